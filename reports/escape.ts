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

/**
 * As text in Markdown, also inside a table's cell and at the beginning of a block. GitHub makes links of addresses and of names, calls the
 * people who bear them, and enters references: `@name`, `#12` and `https://` are broken up, the first two by a blank without width.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replaceAll(/[\\`*_[\]<>|~#&$]/g, "\\$&")
    .replace(/^( ?)(?=[-+](?: |$)|--+ ?$)/, "$1\\")
    .replace(/^( ?\d+)([.)])(?= |$)/, "$1\\$2")
    .replaceAll(/\b(https?|ftp|mailto|xmpp):/gi, "$1\\:")
    .replaceAll(/\bwww\./gi, (host) => `${host.slice(0, -1)}\\.`)
    .replaceAll(/@(?=[\p{L}\p{N}.-])|#(?=\d)/gu, "$&&#8203;");
}

/** As text of a `<summary>` in Markdown, where Markdown's own escapes are none. */
export function escapeSummary(text: string): string {
  return escapeMarkup(text).replaceAll(/@(?=[\p{L}\p{N}.-])|(?<!&)#(?=\d)/gu, "$&&#8203;");
}
