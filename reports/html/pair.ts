import { escapeMarkup } from "../escape.ts";

/** A line of a list of facts. Nothing where there is no text; `next` begins a new group of pairs. */
export function pair(name: string, text: string | null, group: "next" | "same" = "same"): string {
  return text === null ? "" : `<dt class="${group}">${name}</dt><dd>${escapeMarkup(text)}</dd>`;
}
