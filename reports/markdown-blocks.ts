import { clip, escapeMarkdown, escapeSummary } from "./escape.ts";
import type { Table } from "./tables.ts";

/**
 * A comment on GitHub has at most 65,536 characters, a job's summary 1 MiB, which is never less; what is left is for whoever puts a line of
 * their own before it.
 */
export const lengthMax = 64_000;

/** Longer tables are folded. */
const openRowsMax = 12;

/** A piece of a report that may be too long for the place that is left. */
export interface Block {
  /** What a reader is told of who does not find it. */
  readonly what: string;
  /** All of it, or as much as is of use in so many characters; undefined where nothing is. */
  within(lengthMax: number): string | undefined;
}

/** Nothing is of use in less, and nothing is rendered for it. */
const roomMin = 100;

/** A text that is of use as a whole, or else in one of its shorter forms. */
export function textBlock(what: string, ...forms: readonly (() => string)[]): Block {
  return {
    what,
    within(room) {
      for (const form of room < roomMin ? [] : forms) {
        const text = form();
        if (text.length <= room) return text;
      }
      return undefined;
    },
  };
}

/** A table under its title, folded where it is long; where there is too little room, its first rows. */
export function tableBlock(title: string, content: Table, { level, isFolded }: { level?: 2 | 3; isFolded?: boolean } = {}): Block {
  const [titles = "", rules = "", ...rows] = tableLines(content);
  const heading = level === undefined ? "" : `${"#".repeat(level)} ${escapeMarkdown(title)}\n\n`;
  const [open, close] =
    isFolded === true || rows.length > openRowsMax
      ? [`<details><summary>${escapeSummary(title)}: ${rows.length} rows</summary>\n\n`, "\n\n</details>"]
      : ["", ""];
  const text = (shown: number) => {
    const rest = shown === rows.length ? "" : `\n\nThe first ${shown} of ${rows.length} rows; report.html has all.`;
    return `${heading}${open}${[titles, rules, ...rows.slice(0, shown)].join("\n")}${rest}${close}`;
  };
  return {
    what: title,
    within(room) {
      if (text(rows.length).length <= room) return text(rows.length);
      // That of none is with the sentence on the rest, which grows by the digits of a number at the most.
      const shown = countWithin(rows, room - text(0).length - String(rows.length).length);
      return shown === 0 ? undefined : text(shown);
    },
  };
}

/** The blocks in their order, as many of them as there is room for, and a sentence that names the others. */
export function fitted(blocks: readonly Block[], room: number): string[] {
  const missing: string[] = [];
  const texts: string[] = [];
  let left = room - missingLengthMax;
  for (const { what, within } of blocks) {
    const text = within(left - 2);
    if (text === undefined) missing.push(what);
    else {
      texts.push(text);
      left -= text.length + 2;
    }
  }
  return missing.length === 0 ? texts : [...texts, missingSentence(missing)];
}

const namedMax = 10;
const nameLengthMax = 60;
/** Escaped, a name may be five times as long. */
const missingLengthMax = 5 * namedMax * (nameLengthMax + 2) + 300;

function missingSentence(missing: readonly string[]): string {
  const names = missing.slice(0, namedMax).map((name) => escapeMarkdown(clip(name, nameLengthMax)));
  const more = missing.length > namedMax ? ` and ${missing.length - namedMax} more` : "";
  return `**Left out here**, because a comment on GitHub has at most 65,536 characters: ${names.join("; ")}${more}. report.html has all of it.`;
}

/** Items of a list, each clipped, and how many more there are where they have no room. */
export function list(items: readonly string[], room: number): string {
  const lines = items.map((item) => `- ${item}`);
  const shown = lines.slice(0, countWithin(lines, room - 100));
  const rest = items.length - shown.length;
  return [...shown, ...(rest === 0 ? [] : [`- And ${rest} more, which report.html has.`])].join("\n");
}

/** How many of the first lines have room, each with its end. */
function countWithin(lines: readonly string[], room: number): number {
  let left = room;
  for (const [count, { length }] of lines.entries()) {
    left -= length + 1;
    if (left < 0) return count;
  }
  return lines.length;
}

function tableLines({ first, heads, groups }: Table): string[] {
  const titles = [first, ...heads.map(({ title }) => title)].map(escapeMarkdown);
  const rules = ["---", ...heads.map(({ holds }) => (holds === "figures" ? "---:" : "---"))];
  const rows = groups.flatMap(({ name, rows }) => rows.map((row) => [name, ...row].map(escapeMarkdown)));
  return [titles, rules, ...rows].map((row) => `| ${row.join(" | ")} |`);
}
