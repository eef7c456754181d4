import { createLogUpdate } from "log-update";
import type { Clock, Timer } from "../clock.ts";
import type { ProgressMode, ProgressStream } from "./progress.ts";
import type { CheckResult } from "./schema.ts";

/** How often the live line is drawn anew. */
const redrawMs = 200;
/** Where lines are written one below the other: how often one says that the run goes on. */
const lineMs = 15_000;

/** Tells a reader where a run of checks is: a line that changes on a terminal, elsewhere a line a failure and one now and then. */
export class CheckProgress implements Disposable {
  readonly #stream: ProgressStream;
  readonly #mode: ProgressMode;
  readonly #clock: Clock;
  readonly #line: ReturnType<typeof createLogUpdate>;
  readonly #startMs: number;
  readonly #running = new Set<string>();
  #expected = 0;
  #done = 0;
  #failed = 0;
  #timer: Timer | undefined;

  constructor({ stream, mode, clock }: { readonly stream: ProgressStream; readonly mode: ProgressMode; readonly clock: Clock }) {
    this.#stream = stream;
    this.#mode = mode;
    this.#clock = clock;
    this.#line = createLogUpdate(stream, { showCursor: true });
    this.#startMs = clock.monotonicMs();
  }

  /** Adds to the number of checks that will run. */
  expect(checks: number): void {
    this.#expected += checks;
    if (this.#timer === undefined) this.#tickLater();
  }

  /** Writes a sentence that stays. */
  say(sentence: string): void {
    if (this.#mode === "silent") return;
    if (this.#mode === "live") this.#line.clear();
    this.#stream.write(`${sentence}\n`);
    this.#draw();
  }

  start({ id }: Pick<CheckResult, "id">): void {
    this.#running.add(id);
    this.#draw();
  }

  end({ id, verdict, title, level }: Pick<CheckResult, "id" | "verdict" | "title" | "level">): void {
    this.#running.delete(id);
    this.#done++;
    if (verdict !== "fail" && verdict !== "inconclusive") {
      this.#draw();
      return;
    }
    this.#failed++;
    this.say(`${verdict === "fail" ? "FAIL" : "not judged"} ${id} (${level}): ${title}`);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#mode === "live") this.#line.clear();
  }

  #tickLater(): void {
    if (this.#mode === "silent") return;
    this.#timer = this.#clock.startTimer(this.#mode === "live" ? redrawMs : lineMs, () => {
      if (this.#mode === "lines") this.#stream.write(`${this.#describe()}\n`);
      this.#draw();
      this.#tickLater();
    });
  }

  #draw(): void {
    if (this.#mode !== "live") return;
    // One column stays free, or the terminal itself would wrap the line.
    const width = (this.#stream.columns ?? 80) - 1;
    const line = this.#describe();
    this.#line(line.length > width ? `${line.slice(0, width - 1)}…` : line);
  }

  /** What matters most stands first, because a narrow terminal cuts the end off. */
  #describe(): string {
    const seconds = ((this.#clock.monotonicMs() - this.#startMs) / 1000).toFixed(0);
    const failed = this.#failed === 0 ? "" : `, ${this.#failed} not passed`;
    const [first] = this.#running;
    const more = this.#running.size > 1 ? ` and ${this.#running.size - 1} more` : "";
    return `${this.#done}/${this.#expected} checks${failed}, ${seconds} s${first === undefined ? "" : `: ${first}${more}`}`;
  }
}
