import type { CheckVerdict } from "../../harness/run/schema.ts";
import { escapeMarkup } from "../escape.ts";

/** A verdict where there is no room for a word: told apart by its shape, whatever colours a reader sees. */
export const verdictSigns: Readonly<Record<CheckVerdict, string>> = {
  pass: "✓",
  fail: "✗",
  "not-applicable": "–",
  skipped: "○",
  inconclusive: "?",
};

/** The element of a check's evidence. */
export function checkAnchor(id: string): string {
  return `check-${id.replaceAll(/[^\w-]+/g, "-")}`;
}

/** One way to choose rows of the tables below. */
interface Choice {
  /** Of the rows' `data-filter`; the page's style knows each. */
  readonly value: string;
  readonly word: string;
  readonly count: number;
}

/** Radio buttons that hide the other rows by style alone, so that they work without a script. */
export function filter(legend: string, choices: readonly Choice[], all: number): string {
  const buttons = [{ value: "all", word: "all", count: all }, ...choices].map(
    ({ value, word, count }, at) =>
      `<label><input type="radio" name="only" id="only-${value}"${at === 0 ? " checked" : ""}> ${escapeMarkup(word)} <span class="quiet">${count}</span></label>`,
  );
  return `<fieldset class="filter"><legend>${escapeMarkup(legend)}</legend>\n${buttons.join("\n")}\n</fieldset>`;
}

/** What a filter may hide. */
const filterValues = ["pass", "fail", "not-applicable", "skipped", "inconclusive", "changed"] as const;

/** The rules by which {@link filter} hides rows, and sections that have none left. */
export const filterStyle = filterValues
  .flatMap((value) => {
    const chosen = `body:has(#only-${value}:checked)`;
    const row = `[data-filter~="${value}"]`;
    return [
      `${chosen} [data-filter]:not(${row}) { display: none; }`,
      `${chosen} section:has([data-filter]):not(:has(${row})) { display: none; }`,
    ];
  })
  .join("\n");
