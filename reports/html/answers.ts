import { verdicts } from "../../harness/run/verdict.ts";
import { escapeMarkup } from "../escape.ts";
import type { Sections } from "./section.ts";

/** What the benchmarks answer to their questions, and how the run ended, the faults first. */
export const answerSections: Sections = (result) => {
  const answers = result.findings.map(
    ({ benchmark, text }) => `<li><strong>${escapeMarkup(benchmark)}:</strong> ${escapeMarkup(text)}</li>`,
  );
  const sentences = verdicts(result).sentences.map(
    ({ text, isFault }) => `<li${isFault ? ' class="fault"' : ""}>${escapeMarkup(text)}</li>`,
  );
  return [
    {
      id: "findings",
      title: "Findings",
      parts: [
        ...(answers.length === 0 ? [] : [`<ul class="answers">\n${answers.join("\n")}\n</ul>`]),
        ...(sentences.length === 0 ? [] : [`<ul>\n${sentences.join("\n")}\n</ul>`]),
      ],
    },
  ];
};
