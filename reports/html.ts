import type { Result } from "../harness/run/schema.ts";
import { answerSections } from "./html/answers.ts";
import { byteSections } from "./html/bytes.ts";
import { cellSections } from "./html/cells.ts";
import { checkSections } from "./html/checks.ts";
import { contextSections } from "./html/context.ts";
import { kmsSections } from "./html/kms.ts";
import { latencySections } from "./html/latency.ts";
import { timeSections } from "./html/over-time.ts";
import { renderPage } from "./html/page.ts";
import { planSections } from "./html/plan.ts";
import type { Sections } from "./html/section.ts";
import { stepSections } from "./html/steps.ts";
import { thresholdSections } from "./html/thresholds.ts";
import { measuredOn } from "./measured-on.ts";
import type { Reporter } from "./reporter.ts";

/** The sections of the page in their order: the answer first, then what it rests on, and at the end what it was measured on. */
const sections: readonly Sections[] = [
  answerSections,
  thresholdSections,
  checkSections,
  stepSections,
  latencySections,
  timeSections,
  kmsSections,
  byteSections,
  planSections,
  cellSections,
  contextSections,
];

/** The page that people forward: one file that needs nothing but itself. */
export const html = {
  id: "html",
  file: "report.html",
  render: (result) => {
    const { header, status } = result;
    // A model's first sentence says that it is one, and its second what it is a model of.
    const subject = measuredOn(result)
      .slice(0, header.target?.isModel === true ? 2 : 1)
      .join(" ");
    const when = `${header.startedAt.slice(0, 10)} ${header.startedAt.slice(11, 16)} UTC`;
    return renderPage({
      title: `kmsmark ${header.command}, ${when}`,
      heading: headings[header.command] ?? header.command,
      kicker: `kmsmark ${header.command}`,
      subject,
      facts: [
        ...(isModel(result) ? [{ text: header.command === "plan" ? "prediction" : "model", tone: "model" } as const] : []),
        { text: status, tone: status === "complete" ? "good" : "fault" },
        { text: when, tone: "plain" },
        { text: `run ${header.runId}`, tone: "plain" },
      ],
      isModel: isModel(result),
      sections: sections.flatMap((make) => make(result)),
    });
  },
} satisfies Reporter;

const headings: Readonly<Record<string, string>> = {
  bench: "Secret encryption at rest, measured",
  conform: "Conformance",
  plan: "Capacity plan",
  ack: "The ACK procedure, verified",
};

function isModel({ header: { target, command } }: Result): boolean {
  return target?.isModel === true || command === "plan";
}
