import type { KmsEvent, StepResult } from "../../harness/run/schema.ts";
import { isStepFault } from "../../harness/run/verdict.ts";
import { timeAxis } from "../charts/axes.ts";
import type { StripChart } from "../charts/chart.ts";
import { escapeMarkup } from "../escape.ts";
import { byPart, eventTable, stepWords } from "../steps.ts";
import { formatMs } from "../units.ts";
import { pair } from "./pair.ts";
import type { Section, Sections } from "./section.ts";
import { scrolled, table } from "./table.ts";

/** A row a step, what it rests on one click away; then every call that the audit trail shows. */
export const stepSections: Sections = ({ steps, kmsEvents }) => {
  const heads = [
    { title: "verdict", column: "" },
    { title: "step", column: "rule" },
    { title: "took", column: "wide number" },
  ].map(({ title, column }) => `<th scope="col" class="${column}">${title}</th>`);
  const parts = byPart(steps).map(([part, ofPart], at): Section => {
    const rows = ofPart.map(stepRow).join("\n");
    const content = `<table class="checks">\n<thead><tr>${heads.join("")}</tr></thead>\n<tbody>\n${rows}\n</tbody></table>`;
    return { id: `steps-${at + 1}`, title: part, parts: [scrolled(`Steps: ${part}`, content)] };
  });
  if (kmsEvents.length === 0) return parts;
  const title = `KMS calls in the audit trail: ${kmsEvents.length}`;
  const strip = eventChart(kmsEvents);
  return [
    ...parts,
    { id: "kms-events", title, parts: [{ charts: [strip], folded: null }, table("All of these calls", eventTable(kmsEvents))] },
  ];
};

/** When which call was made, from the first one on. */
function eventChart(events: readonly KmsEvent[]): StripChart {
  const times = events.map(({ time }) => Date.parse(time));
  const start = Math.min(...times);
  const names = [...Map.groupBy(events, ({ name }) => name)].toSorted(([, a], [, b]) => b.length - a.length);
  return {
    shape: "strip",
    id: "events",
    title: "KMS calls in the audit trail, by name",
    caption: "The larger a mark, the more calls in that second.",
    rows: "event",
    x: { ...timeAxis, title: `time since ${new Date(start).toISOString().replace(/\.000Z$/, "Z")}` },
    series: [
      { name: "answered", tone: "blue", kind: "measured" },
      { name: "ended with an error", tone: "vermilion", kind: "measured" },
    ],
    of: names.map(([name, ofName]) => ({
      name,
      marks: [...Map.groupBy(ofName, ({ time, errorCode }) => `${time} ${errorCode === null}`).values()].flatMap((alike) => {
        const [first] = alike;
        if (first === undefined) return [];
        return [{ x: (Date.parse(first.time) - start) / 1000, count: alike.length, series: first.errorCode === null ? 0 : 1 }];
      }),
    })),
  };
}

function stepRow(step: StepResult): string {
  const { id, title, says, verdict, reason, remedy, evidence, durationMs } = step;
  const isOpen = isStepFault(step);
  const tone = isOpen ? "fault" : verdict === "verified" ? "pass" : "quiet";
  const items = [
    pair("the page", says),
    pair("why", reason, "next"),
    ...evidence.map((text, at) => pair(at === 0 ? "seen" : "", text, at === 0 ? "next" : "same")),
    pair("to do", remedy, "next"),
  ].filter((item) => item !== "");
  return [
    `<tr${isOpen ? ' class="open"' : ""}><td class="verdict ${tone}">${stepWords[verdict]}</td>`,
    `<td class="rule"><details${isOpen ? " open" : ""}><summary>${escapeMarkup(title)}</summary>\n`,
    `<p class="quiet"><code>${escapeMarkup(id)}</code></p>\n<dl>\n${items.join("\n")}\n</dl>\n</details></td>`,
    `<td class="wide number">${formatMs(durationMs)}</td></tr>`,
  ].join("");
}
