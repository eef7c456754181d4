import { cut, type Display } from "./display.ts";
import type { Tone } from "./look.ts";
import type { StepResult, StepVerdict } from "./schema.ts";

/** Where lines are written one below the other, a long piece of work is told of whenever another share of it is done. */
const lineShare = 0.25;
/** So much of a title is left where what it is at is long. */
const titleLengthMin = 12;

const tones: Readonly<Record<StepVerdict, Tone>> = { verified: "good", refused: "fault", failed: "fault", skipped: "faint" };

/** Tells a reader where a procedure is: a line a step that stays, with what it is at just now below it on a terminal. */
export class StepProgress implements Disposable {
  readonly #display: Display;
  #expected = 0;
  #done = 0;
  #part = "";
  #current: { readonly title: string; readonly startMs: number; detail: string } | undefined;
  #toldShare = 0;

  constructor(display: Display) {
    this.#display = display;
  }

  expect(steps: number): void {
    this.#expected += steps;
  }

  /** Writes a sentence that stays. */
  say(sentence: string): void {
    this.#display.say(sentence);
  }

  start({ part, title }: Pick<StepResult, "id" | "part" | "title">): void {
    const { clock, look } = this.#display;
    if (part !== this.#part) this.say(look.paint("strong", part));
    this.#part = part;
    this.#current = { title, startMs: clock.monotonicMs(), detail: "" };
    this.#toldShare = 0;
    this.#display.show((width) => [this.#line(width)]);
  }

  /** What the step is at: `the cluster is updating`. */
  detail(text: string): void {
    if (this.#current === undefined || this.#current.detail === text) return;
    this.#current.detail = text;
    this.#sayLine(`    ${text}`);
  }

  /** How much of a long piece of work is done. */
  share(what: string, done: number, total: number): void {
    if (this.#current === undefined || total === 0) return;
    this.#current.detail = `${what} ${done}/${total}`;
    const share = Math.floor(done / total / lineShare) * lineShare;
    if (share > this.#toldShare) this.#sayLine(`    ${this.#current.detail}`);
    this.#toldShare = Math.max(this.#toldShare, share);
  }

  end({ title, verdict, reason, remedy, durationMs }: Omit<StepResult, "id" | "part" | "says" | "evidence" | "startMs">): void {
    this.#done++;
    this.#current = undefined;
    this.#display.hide();
    const took = verdict === "skipped" ? "" : ` (${(durationMs / 1000).toFixed(1)} s)`;
    this.say(`  [${this.#done}/${this.#expected}] ${this.#display.look.paint(tones[verdict], verdict)}: ${title}${took}`);
    if (verdict !== "refused" && verdict !== "failed") return;
    if (reason !== null) this.say(`    ${reason}`);
    if (remedy !== null) this.say(`    To do: ${remedy}`);
  }

  [Symbol.dispose](): void {
    this.#current = undefined;
    this.#display.hide();
  }

  /** Where the live line does not tell it. */
  #sayLine(line: string): void {
    if (this.#display.mode === "lines") this.say(line);
  }

  /** Where it is too long, the title is cut: what the step is at says more. */
  #line(width: number): string {
    if (this.#current === undefined) return "";
    const { clock, look } = this.#display;
    const { title, startMs, detail } = this.#current;
    const number = `  [${this.#done + 1}/${this.#expected}] `;
    const state = `, ${((clock.monotonicMs() - startMs) / 1000).toFixed(0)} s${detail === "" ? "" : `: ${detail}`}`;
    const room = Math.max(titleLengthMin, width - number.length - state.length);
    return cut(`${number}${cut(title, room, look)}${state}`, width, look);
  }
}
