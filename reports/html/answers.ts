import { type Answer, answersOf } from "../answers.ts";
import { escapeMarkup } from "../escape.ts";
import type { Sections } from "./section.ts";

/** What the run answers, the worst news first. */
export const answerSections: Sections = (result) => {
  const answers = answersOf(result);
  if (answers.length === 0) return [];
  return [{ id: "answers", title: "In short", parts: [answerList(answers)] }];
};

/** Sentences that are marked by a sign, and not by their colour alone; who does not see it hears a word. */
export function answerList(answers: readonly Pick<Answer, "text" | "tone" | "benchmark">[]): string {
  const items = answers.map(({ text, tone, benchmark }) => {
    const word = tone === "plain" ? "" : `<span class="away">${tone === "fault" ? "Fault" : "Note"}: </span>`;
    const name = benchmark === null ? "" : `<strong>${escapeMarkup(benchmark)}:</strong> `;
    return `<li class="${tone}">${word}${name}${escapeMarkup(text)}</li>`;
  });
  return `<ul class="answers">\n${items.join("\n")}\n</ul>`;
}
