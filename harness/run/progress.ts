import { createLogUpdate } from "log-update";
import type { Clock, Timer } from "../clock.ts";
import { cellName } from "./fold.ts";
import type { SampleOrigin } from "./samples.ts";

/** Where progress is shown: a terminal, a file, a pipe. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** How progress is shown: one line that changes, one line a phase, or not at all. */
export type ProgressMode = "live" | "lines" | "silent";

export interface ProgressPhase
  extends Pick<SampleOrigin, "provider" | "secrets" | "phase">,
    Partial<Pick<SampleOrigin, "benchmark" | "parameters" | "round">> {
  /** Requests that the phase will send; 0 where it sends none. */
  readonly due: number;
  /** How long it is expected to take beside others: its requests, or as many as could be sent in the time. */
  readonly weight: number;
}

/** How often the live line is drawn anew. */
const redrawMs = 200;

/** `live` on a terminal that can move its cursor, `lines` elsewhere, `silent` where only the answer is wanted. */
export function progressMode(
  stream: ProgressStream,
  { quiet, environment }: { readonly quiet: boolean; readonly environment: Readonly<Record<string, string | undefined>> },
): ProgressMode {
  if (quiet) return "silent";
  return stream.isTTY === true && environment["TERM"] !== "dumb" ? "live" : "lines";
}

/** Tells a reader where a run is. It uses no colour, so that NO_COLOR holds everywhere. */
export class Progress implements Disposable {
  #stream: ProgressStream;
  #mode: ProgressMode;
  #clock: Clock;
  #line: ReturnType<typeof createLogUpdate>;
  #timer: Timer | undefined;
  #startMs: number;
  /** Weight of the whole run, and of the phases that are over. */
  #expected = 0;
  #finished = 0;
  #phase: (ProgressPhase & { startMs: number; done: number; kmsCalls: number; awaited: string | undefined }) | undefined;

  constructor(options: { readonly stream: ProgressStream; readonly mode: ProgressMode; readonly clock: Clock }) {
    this.#stream = options.stream;
    this.#mode = options.mode;
    this.#clock = options.clock;
    // Hiding the cursor would reach past the stream to the process's own terminal.
    this.#line = createLogUpdate(options.stream, { showCursor: true });
    this.#startMs = options.clock.monotonicMs();
  }

  /** Says how much all phases of the run will weigh; the time left is reckoned from there and from now. */
  expect(weight: number): void {
    this.#expected = weight;
    this.#startMs = this.#clock.monotonicMs();
  }

  /** Writes a sentence that stays. */
  say(sentence: string): void {
    if (this.#mode === "silent") return;
    this.#clear();
    this.#stream.write(`${sentence}\n`);
    this.#draw();
  }

  startPhase(phase: ProgressPhase): void {
    this.#phase = { ...phase, startMs: this.#clock.monotonicMs(), done: 0, kmsCalls: 0, awaited: undefined };
    this.#draw();
    this.#redrawLater();
  }

  /**
   * Takes note of how far the phase is; cheap enough for every answer. Both counts are since the phase's start.
   * @param awaited - what is waited for meanwhile, in words: `the KMS is back in 80 s`
   */
  update({ awaited, ...counts }: { readonly done: number; readonly kmsCalls: number; readonly awaited?: string }): void {
    if (this.#phase !== undefined) Object.assign(this.#phase, { ...counts, awaited });
  }

  endPhase(): void {
    if (this.#phase === undefined) return;
    const line = this.#describe();
    this.#finished += this.#phase.weight;
    this.#phase = undefined;
    this.#clear();
    if (this.#mode === "lines") this.#stream.write(`${line}\n`);
  }

  /** Clears the live line. */
  [Symbol.dispose](): void {
    this.#phase = undefined;
    this.#clear();
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
    if (this.#mode !== "live" || this.#phase === undefined) return;
    // One column stays free, or the terminal itself would wrap the line.
    const width = (this.#stream.columns ?? 80) - 1;
    const line = this.#describe();
    this.#line(line.length > width ? `${line.slice(0, width - 1)}…` : line);
  }

  #clear(): void {
    if (this.#phase === undefined) {
      this.#timer?.[Symbol.dispose]();
      this.#timer = undefined;
    }
    if (this.#mode === "live") this.#line.clear();
  }

  /** What matters most stands first, because a narrow terminal cuts the end off. */
  #describe(): string {
    if (this.#phase === undefined) return "";
    const { phase, due, weight, done, kmsCalls, startMs, awaited } = this.#phase;
    const nowMs = this.#clock.monotonicMs();
    const tookMs = nowMs - startMs;
    const parts = [`${cellName(this.#phase)}: ${phase}${due === 0 ? "" : ` ${done}/${due}`}`];
    if (awaited !== undefined) parts.push(awaited);
    if (due > 0 && tookMs > 0) parts.push(`${Math.round((done * 1000) / tookMs)}/s`);
    parts.push(`${kmsCalls} KMS ${kmsCalls === 1 ? "call" : "calls"}`, `${(tookMs / 1000).toFixed(1)} s`);
    const over = this.#finished + (due === 0 ? 0 : (weight * done) / due);
    const left = this.#expected - over;
    if (over > 0 && left > 0) parts.push(`about ${inWords(((nowMs - this.#startMs) / over) * left)} left`);
    return parts.join(", ");
  }
}

/** `8 s`, `3 min`. */
function inWords(ms: number): string {
  return ms < 90_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
