/**
 * A result holds text that others wrote: a server's messages, a plugin's key ids, file names. None of it may steer a terminal or become
 * markup of a report.
 */

/** On one line, and without control and format characters, which could move a cursor or reverse the reading direction. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "\uFFFD");
}

/** Its beginning, where it is longer than a reader of that report wants; `report.html` and `result.json` have all of it. */
export function clip(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** As text or as a quoted attribute of HTML or XML; what XML 1.0 (section 2.2) does not allow at all is replaced. */
export function escapeMarkup(text: string): string {
  return oneLine(text)
    .replaceAll(/[\uFFFE\uFFFF]/g, "\uFFFD")
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** As text in Markdown, also inside a table's cell. */
export function escapeMarkdown(text: string): string {
  return oneLine(text).replaceAll(/[\\`*_[\]<>|~#&$]/g, "\\$&");
}
