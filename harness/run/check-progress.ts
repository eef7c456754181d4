import type { Timer } from "../clock.ts";
import { shareBar } from "./bars.ts";
import { type Display, fitted } from "./display.ts";
import type { CheckResult } from "./schema.ts";

/** Where lines are written one below the other: how often one says that the run goes on. */
const lineMs = 15_000;
const barLength = 10;

/** Tells a reader where a run of checks is: a line that changes on a terminal, elsewhere a line a failure and one now and then. */
export class CheckProgress implements Disposable {
  readonly #display: Display;
  readonly #startMs: number;
  readonly #running = new Set<string>();
  #expected = 0;
  #done = 0;
  #failed = 0;
  #timer: Timer | undefined;

  constructor(display: Display) {
    this.#display = display;
    this.#startMs = display.clock.monotonicMs();
  }

  /** Adds to the number of checks that will run. */
  expect(checks: number): void {
    this.#expected += checks;
    this.#display.show((width) => [this.#line(width)]);
    if (this.#display.mode === "lines" && this.#timer === undefined) this.#sayLater();
  }

  /** Writes a sentence that stays. */
  say(sentence: string): void {
    this.#display.say(sentence);
  }

  start({ id }: Pick<CheckResult, "id">): void {
    this.#running.add(id);
  }

  end({ id, verdict, title, level }: Pick<CheckResult, "id" | "verdict" | "title" | "level">): void {
    this.#running.delete(id);
    this.#done++;
    if (verdict !== "fail" && verdict !== "inconclusive") return;
    this.#failed++;
    const { paint } = this.#display.look;
    const word = verdict === "fail" ? paint("fault", "FAIL") : paint("doubt", "not judged");
    this.say(`${word} ${id} (${level}): ${title}`);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#display.hide();
  }

  #sayLater(): void {
    this.#timer = this.#display.clock.startTimer(lineMs, () => {
      this.say(this.#describe());
      this.#sayLater();
    });
  }

  #line(width: number): string {
    const { look } = this.#display;
    const share = this.#expected === 0 ? 0 : this.#done / this.#expected;
    return fitted(
      [
        { text: shareBar(share, barLength, look), rank: 1 },
        { text: this.#describe(), rank: 0 },
      ],
      width,
      look,
    );
  }

  /** What matters most stands first, because a narrow terminal cuts the end off. */
  #describe(): string {
    const seconds = ((this.#display.clock.monotonicMs() - this.#startMs) / 1000).toFixed(0);
    const failed = this.#failed === 0 ? "" : `, ${this.#failed} not passed`;
    const [first] = this.#running;
    const more = this.#running.size > 1 ? ` and ${this.#running.size - 1} more` : "";
    return `${this.#done}/${this.#expected} checks${failed}, ${seconds} s${first === undefined ? "" : `: ${first}${more}`}`;
  }
}
