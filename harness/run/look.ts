import { WriteStream } from "node:tty";
import { styleText } from "node:util";

/** Where a command writes: a terminal, a file, a pipe. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** The environment's variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How progress is shown: a few lines that change, lines that stay, or not at all. */
export type ProgressMode = "live" | "lines" | "silent";

/** What a colour says. It never says it alone: the words or the mark beside it do as well. */
export type Tone = "fault" | "doubt" | "good" | "strong" | "faint";

/** Gives a text the look of a tone, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string;

/** What a terminal can show. */
export interface Look {
  /** Whether it has characters beyond ASCII, for bars and curves. */
  readonly isUnicode: boolean;
  readonly paint: Paint;
}

const formats = {
  fault: ["bold", "red"],
  doubt: "yellow",
  good: "green",
  strong: "bold",
  faint: "dim",
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

/** Leaves every text as it is. */
export const plainly: Paint = (_, text) => text;

/** Of whatever shows text as it is. */
export const plainLook: Look = { isUnicode: true, paint: plainly };

/** By the escape sequences that terminals know. */
export const inColour: Paint = (tone, text) => styleText(formats[tone], text, { validateStream: false });

/**
 * `live` on a terminal that can move its cursor, `lines` elsewhere, `silent` where only the answer is wanted. What a CI system shows as a
 * terminal is a file to whoever reads it later.
 */
export function progressMode(
  stream: OutputStream,
  { quiet, environment }: { readonly quiet: boolean; readonly environment: Environment },
): ProgressMode {
  if (quiet) return "silent";
  // A terminal whose size nobody set says 0.
  const isTerminal = stream.isTTY === true && stream.columns !== 0;
  return isTerminal && environment["TERM"] !== "dumb" && !isSet(environment["CI"]) ? "live" : "lines";
}

/**
 * How to write to a stream. Colours are for terminals, or wherever FORCE_COLOR asks for them; Node.js itself weighs that against NO_COLOR,
 * TERM and CI (https://nodejs.org/api/tty.html#writestreamgetcolordepthenv). Characters beyond ASCII are for a locale in UTF-8 (POSIX, 8.2).
 */
export function lookOf(stream: OutputStream, environment: Environment): Look {
  const isAsked = stream.isTTY === true || environment["FORCE_COLOR"] !== undefined;
  const hasColours = isAsked && WriteStream.prototype.getColorDepth(environment) > 1;
  const locale = [environment["LC_ALL"], environment["LC_CTYPE"], environment["LANG"]].find((name) => name !== undefined && name !== "");
  return { isUnicode: /utf-?8/i.test(locale ?? ""), paint: hasColours ? inColour : plainly };
}

/** Whether a variable that is a switch is on. */
function isSet(word: string | undefined): boolean {
  return word !== undefined && !["", "0", "false"].includes(word.toLowerCase());
}
