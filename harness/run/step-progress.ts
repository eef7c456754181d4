import { createLogUpdate } from "log-update";
import type { Clock, Timer } from "../clock.ts";
import type { ProgressMode, ProgressStream } from "./progress.ts";
import type { StepResult } from "./schema.ts";

/** How often the live line is drawn anew. */
const redrawMs = 200;
/** Where lines are written one below the other, a long piece of work is told of whenever another share of it is done. */
const lineShare = 0.25;

/** Tells a reader where a procedure is: a line a step that stays, with what it is at just now below it on a terminal. */
export class StepProgress implements Disposable {
  readonly #stream: ProgressStream;
  readonly #mode: ProgressMode;
  readonly #clock: Clock;
  readonly #line: ReturnType<typeof createLogUpdate>;
  #expected = 0;
  #done = 0;
  #part = "";
  #current: { readonly title: string; readonly startMs: number; detail: string } | undefined;
  #toldShare = 0;
  #timer: Timer | undefined;

  constructor({ stream, mode, clock }: { readonly stream: ProgressStream; readonly mode: ProgressMode; readonly clock: Clock }) {
    this.#stream = stream;
    this.#mode = mode;
    this.#clock = clock;
    this.#line = createLogUpdate(stream, { showCursor: true });
  }

  expect(steps: number): void {
    this.#expected += steps;
  }

  /** Writes a sentence that stays. */
  say(sentence: string): void {
    if (this.#mode === "silent") return;
    if (this.#mode === "live") this.#line.clear();
    this.#stream.write(`${sentence}\n`);
    this.#draw();
  }

  start({ part, title }: Pick<StepResult, "id" | "part" | "title">): void {
    if (part !== this.#part) this.say(part);
    this.#part = part;
    this.#current = { title, startMs: this.#clock.monotonicMs(), detail: "" };
    this.#toldShare = 0;
    this.#draw();
    this.#redrawLater();
  }

  /** What the step is at: `the cluster is updating`. */
  detail(text: string): void {
    if (this.#current === undefined || this.#current.detail === text) return;
    this.#current.detail = text;
    if (this.#mode === "lines") this.#stream.write(`    ${text}\n`);
    this.#draw();
  }

  /** How much of a long piece of work is done. */
  share(what: string, done: number, total: number): void {
    if (this.#current === undefined || total === 0) return;
    this.#current.detail = `${what} ${done}/${total}`;
    const share = Math.floor(done / total / lineShare) * lineShare;
    if (this.#mode === "lines" && share > this.#toldShare) this.#stream.write(`    ${this.#current.detail}\n`);
    this.#toldShare = Math.max(this.#toldShare, share);
  }

  end({ title, verdict, reason, remedy, durationMs }: Omit<StepResult, "id" | "part" | "says" | "evidence" | "startMs">): void {
    this.#done++;
    this.#current = undefined;
    const took = verdict === "skipped" ? "" : ` (${(durationMs / 1000).toFixed(1)} s)`;
    this.say(`  [${this.#done}/${this.#expected}] ${verdict}: ${title}${took}`);
    if (verdict !== "refused" && verdict !== "failed") return;
    if (reason !== null) this.say(`    ${reason}`);
    if (remedy !== null) this.say(`    To do: ${remedy}`);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#current = undefined;
    if (this.#mode === "live") this.#line.clear();
  }

  #redrawLater(): void {
    if (this.#mode !== "live") return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.startTimer(redrawMs, () => {
      this.#draw();
      this.#redrawLater();
    });
  }

  #draw(): void {
    if (this.#mode !== "live" || this.#current === undefined) return;
    const { title, startMs, detail } = this.#current;
    const seconds = ((this.#clock.monotonicMs() - startMs) / 1000).toFixed(0);
    const line = `  [${this.#done + 1}/${this.#expected}] ${title}, ${seconds} s${detail === "" ? "" : `: ${detail}`}`;
    // One column stays free, or the terminal itself would wrap the line.
    const width = (this.#stream.columns ?? 80) - 1;
    this.#line(line.length > width ? `${line.slice(0, width - 1)}…` : line);
  }
}
