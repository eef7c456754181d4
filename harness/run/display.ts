import { clearScreenDown, moveCursor } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { createLogUpdate } from "log-update";
import type { Clock, Timer } from "../clock.ts";
import { type Environment, type Look, lookOf, type OutputStream, type ProgressMode, plainLook, progressMode, type Tone } from "./look.ts";

/** How often what is live is drawn anew: a drawing may cost half a millisecond, in which a load waits. */
const redrawMs = 500;
/** Of a terminal that does not say how wide it is. */
const columnsDefault = 80;

/** The lines to show now, on a terminal with room for `width` characters. */
export type Frame = (width: number) => readonly string[];

/**
 * A few lines at the bottom of a terminal that are drawn anew in place, with sentences that stay above them. Where the cursor cannot be
 * moved there are the sentences alone. It hides no cursor, so that whatever ends the process leaves the terminal as it was.
 */
export class Display implements Disposable {
  readonly mode: ProgressMode;
  readonly look: Look;
  readonly clock: Clock;
  readonly #stream: OutputStream;
  readonly #lines: ReturnType<typeof createLogUpdate>;
  #frame: Frame | undefined;
  #timer: Timer | undefined;
  /** The lengths of the lines on the screen, and the terminal's width when they were drawn. */
  #drawn: { readonly lengths: readonly number[]; readonly columns: number } | undefined;

  constructor({
    stream,
    mode,
    look = plainLook,
    clock,
  }: {
    readonly stream: OutputStream;
    readonly mode: ProgressMode;
    readonly look?: Look;
    readonly clock: Clock;
  }) {
    this.mode = mode;
    this.look = look;
    this.clock = clock;
    this.#stream = stream;
    // Hiding the cursor would reach past the stream to the process's own terminal.
    this.#lines = createLogUpdate(stream, { showCursor: true });
  }

  /**
   * On a command's stream, as the environment asks for; `quiet` where only the answer is wanted.
   * @param signal - of a command that takes an interruption for one: until all is given back, that is what it does
   */
  static on(
    stream: OutputStream,
    {
      quiet,
      environment,
      clock,
      signal,
    }: { readonly quiet: boolean; readonly environment: Environment; readonly clock: Clock; readonly signal?: AbortSignal },
  ): Display {
    const display = new Display({ stream, mode: progressMode(stream, { quiet, environment }), look: lookOf(stream, environment), clock });
    signal?.addEventListener("abort", () => display.#interrupt(), { once: true });
    return display;
  }

  /** Writes a sentence that stays. */
  say(sentence: string): void {
    if (this.mode === "silent") return;
    this.#clear();
    this.#stream.write(`${this.mode === "live" ? folded(sentence, this.#columns()) : sentence}\n`);
    this.#draw();
  }

  /** Shows what `frame` gives, anew and anew until another is shown or it is hidden. */
  show(frame: Frame): void {
    if (this.mode !== "live") return;
    this.#frame = frame;
    this.#draw();
    this.#timer ??= this.#startTimer();
  }

  /** Shows what is waited for and for how long: `Choosing the control plane, 3 s`. */
  wait(what: string): void {
    const startMs = this.clock.monotonicMs();
    this.show((width) => {
      const seconds = `, ${((this.clock.monotonicMs() - startMs) / 1000).toFixed(0)} s`;
      return [cut(what, width - seconds.length, this.look) + seconds];
    });
  }

  /** Takes the live lines off the screen. */
  hide(): void {
    this.#frame = undefined;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#clear();
  }

  [Symbol.dispose](): void {
    this.hide();
  }

  #interrupt(): void {
    if (this.#frame !== undefined) this.wait("Interrupted: giving back what was started");
  }

  #startTimer(): Timer {
    return this.clock.startTimer(redrawMs, () => {
      this.#draw();
      this.#timer = this.#startTimer();
    });
  }

  #draw(): void {
    if (this.#frame === undefined) return;
    const columns = this.#columns();
    this.#unfold(columns);
    // One column stays free, or the terminal itself would wrap the line.
    const lines = this.#frame(columns - 1);
    this.#drawn = { lengths: lines.map((line) => stripVTControlCharacters(line).length), columns };
    this.#lines(lines.join("\n"));
  }

  #clear(): void {
    if (this.#drawn === undefined) return;
    this.#unfold(this.#columns());
    this.#lines.clear();
    this.#drawn = undefined;
  }

  /** A terminal that became narrower has folded the lines on it, and there are more of them than were drawn: all go. */
  #unfold(columns: number): void {
    const { lengths, columns: before } = this.#drawn ?? { lengths: [], columns };
    if (columns >= before) return;
    const folded = lengths.reduce((sum, length) => sum + Math.max(0, Math.ceil(length / columns) - 1), 0);
    this.#lines.clear();
    if (folded === 0) return;
    moveCursor(this.#stream, 0, -folded);
    clearScreenDown(this.#stream);
  }

  #columns(): number {
    return this.#stream.columns ?? columnsDefault;
  }
}

/** A sentence in lines of at most so many columns, broken between words: those after the first stand a little to the right of it. */
function folded(sentence: string, columns: number): string {
  const indent = `${/^ */.exec(sentence)?.[0] ?? ""}  `;
  let length = 0;
  return sentence
    .split(/(?<=\S)(?= )/)
    .map((word) => {
      // Without colours, which take no room.
      const shown = stripVTControlCharacters(word).length;
      length += shown;
      if (length <= columns || length === shown) return word;
      const moved = indent + word.trimStart();
      length = stripVTControlCharacters(moved).length;
      return `\n${moved}`;
    })
    .join("");
}

/** A text in at most so many characters, cut where it is longer. */
export function cut(text: string, width: number, { isUnicode }: Pick<Look, "isUnicode">): string {
  if (text.length <= width) return text;
  const end = isUnicode ? "…" : "~";
  return `${text.slice(0, Math.max(0, width - end.length))}${end}`;
}

/** Between two parts of a line. */
export const gap = "  ";

/** What stands on a live line. */
export interface Part {
  readonly text: string;
  readonly tone?: Tone;
  /** Where not all find room, the lower ones stay. */
  readonly rank: number;
}

/** How many columns they take beside one another. */
export function lengthOf(parts: readonly Part[]): number {
  return parts.length === 0 ? 0 : parts.reduce((sum, { text }) => sum + text.length + gap.length, -gap.length);
}

/** As many parts as find room, in their order; where even the most important ones do not, the end is cut off. */
export function fitted(parts: readonly Part[], width: number, look: Look): string {
  const lastRank = Math.max(...parts.map(({ rank }) => rank));
  const important = parts.filter(({ rank }) => rank !== lastRank);
  if (lengthOf(parts) > width && important.length > 0) return fitted(important, width, look);
  let room = width;
  const texts: string[] = [];
  for (const { text, tone } of parts) {
    if (room <= 0) break;
    const short = cut(text, room, look);
    texts.push(tone === undefined ? short : look.paint(tone, short));
    room -= short.length + gap.length;
  }
  return texts.join(gap);
}
