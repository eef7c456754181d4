import { linearBars, logarithmicBars, shareBar } from "./bars.ts";
import { cut, type Display, fitted, gap, lengthOf, type Part } from "./display.ts";
import { cellName } from "./fold.ts";
import type { Look } from "./look.ts";
import type { SampleOrigin } from "./samples.ts";

export interface ProgressPhase
  extends Pick<SampleOrigin, "provider" | "secrets" | "phase">,
    Partial<Pick<SampleOrigin, "benchmark" | "parameters" | "round">> {
  /** Requests that the phase will send; 0 where it sends none, or nobody knows how many. */
  readonly due: number;
  /** How long it is expected to take beside others: its requests, or as many as could be sent in the time. */
  readonly weight: number;
}

/** What a benchmark will do. */
export interface ExpectedWork {
  /** What all its phases weigh together. */
  readonly weight: number;
  readonly cells: number;
  /** Of all cells; 0 where each benchmark has its own number. */
  readonly phases: number;
}

/** How far a phase is. All counts are since its start. */
export interface PhaseState {
  /** Requests that are over. */
  readonly done: number;
  /** Those that failed or were never sent; as before where it is left out. */
  readonly failed?: number;
  /** KMS calls by method, or undefined where nobody sees them. */
  readonly kmsCalls: Readonly<Record<string, number>> | undefined;
  /** Successful answers, and what they took together, ms; as before where it is left out. */
  readonly latency?: { readonly count: number; readonly totalMs: number };
  /** What is waited for meanwhile, in words: `the KMS is back in 80 s`. */
  readonly awaited?: string | undefined;
}

/** Below this there is one line instead of a few. */
const columnsMin = 60;
/** The shortest time between two points of the curves; they are as far apart as the readings of a load are, or further. */
const pointMs = 450;
/** At the end of a phase also a shorter time makes a point, if it is no less than this. */
const lastPointMs = 50;
/** As many as the widest terminal shows. */
const pointsMax = 200;
/** A curve of fewer points says nothing. */
const shownPointsMin = 8;
const barWidth = 20;
const shortBarWidth = 10;
/** Room for `12.3 ms` or `12345/s`. */
const figureLength = 8;
/** In the order in which they are shown. */
const methods = ["Encrypt", "Decrypt", "Status", "Version"];

/** What happened between two readings. */
interface Point {
  /** Of the answers in it; NaN where none came. */
  readonly latencyMs: number;
  /** By method. */
  readonly callsPerSecond: Readonly<Record<string, number>>;
}

interface RunningPhase extends ProgressPhase {
  readonly startMs: number;
  /** Set once it is over. */
  endMs: number | undefined;
  state: PhaseState;
  /** The reading that the last point ended with. */
  read: { readonly atMs: number; readonly state: PhaseState };
}

const nothingYet: PhaseState = { done: 0, kmsCalls: undefined };

/** Tells a reader where a benchmark is: a few live lines on a terminal, elsewhere a line a phase. */
export class Progress implements Disposable {
  readonly #display: Display;
  #startMs: number;
  #expected: ExpectedWork | undefined;
  /** Weight of the phases that are over. */
  #finished = 0;
  #cells = new Set<string>();
  #phases = 0;
  #phase: RunningPhase | undefined;
  #points: Point[] = [];

  constructor(display: Display) {
    this.#display = display;
    this.#startMs = display.clock.monotonicMs();
  }

  /** Says how much a benchmark will do from now on; what is left is reckoned from there. */
  expect(work: ExpectedWork): void {
    this.#expected = work;
    this.#finished = 0;
    this.#cells.clear();
    this.#phases = 0;
    this.#startMs = this.#display.clock.monotonicMs();
  }

  /** Writes a sentence that stays. */
  say(sentence: string): void {
    this.#display.say(sentence);
  }

  /** Says what is done outside of any phase, until a phase begins: `starting the control plane of kms-v2`. */
  pass(what: string): void {
    if (this.#display.mode === "lines") this.say(`${what}.`);
    this.#phase = undefined;
    this.#display.wait(what);
  }

  startPhase(phase: ProgressPhase): void {
    const startMs = this.#display.clock.monotonicMs();
    this.#phase = { ...phase, startMs, endMs: undefined, state: nothingYet, read: { atMs: startMs, state: nothingYet } };
    this.#cells.add(cellName(phase));
    this.#phases++;
    this.#display.show((width) => this.#frame(width));
  }

  /** Takes note of how far the phase is; cheap enough to be told several times a second, and not meant for every answer. */
  update(state: PhaseState): void {
    if (this.#phase === undefined) return;
    // What is waited for is told anew each time.
    this.#phase.state = { ...this.#phase.state, awaited: undefined, ...state };
    this.#addPoint(this.#phase, pointMs);
  }

  /** The last lines of the phase stay until something else is shown. */
  endPhase(): void {
    const phase = this.#phase;
    if (phase === undefined || phase.endMs !== undefined) return;
    this.#addPoint(phase, lastPointMs);
    const line = this.#sentence(phase);
    this.#finished += phase.weight;
    phase.endMs = this.#display.clock.monotonicMs();
    if (this.#display.mode === "lines") this.say(line);
  }

  /** Takes the live lines away. */
  [Symbol.dispose](): void {
    this.#phase = undefined;
    this.#display.hide();
  }

  #addPoint(phase: RunningPhase, msMin: number): void {
    const atMs = this.#display.clock.monotonicMs();
    const { state } = phase;
    const before = phase.read;
    const seconds = (atMs - before.atMs) / 1000;
    if (seconds * 1000 < msMin) return;
    phase.read = { atMs, state };
    const answers = (state.latency?.count ?? 0) - (before.state.latency?.count ?? 0);
    const tookMs = (state.latency?.totalMs ?? 0) - (before.state.latency?.totalMs ?? 0);
    const rates = Object.entries(state.kmsCalls ?? {}).map(
      ([method, calls]) => [method, (calls - (before.state.kmsCalls?.[method] ?? 0)) / seconds] as const,
    );
    this.#points.push({ latencyMs: answers > 0 ? tookMs / answers : Number.NaN, callsPerSecond: Object.fromEntries(rates) });
    if (this.#points.length > pointsMax) this.#points.shift();
  }

  #leftMs({ due, weight, state, endMs }: RunningPhase): number | undefined {
    const share = due === 0 ? 0 : state.done / due;
    const over = this.#finished + (endMs === undefined ? weight * share : 0);
    const left = (this.#expected?.weight ?? 0) - over;
    if (over <= 0 || left <= 0) return undefined;
    return ((this.#display.clock.monotonicMs() - this.#startMs) / over) * left;
  }

  /** All of it on one line. What matters most stands first, because a narrow terminal cuts the end off. */
  #sentence(running: RunningPhase): string {
    const { phase, due, state } = running;
    const tookMs = this.#tookMs(running);
    const parts = [`${cellName(running)}: ${phase}${due === 0 ? "" : ` ${state.done}/${due}`}`];
    if (state.awaited !== undefined) parts.push(state.awaited);
    if (due > 0 && tookMs > 0) parts.push(perSecond(state.done, tookMs));
    if (state.kmsCalls !== undefined) {
      const calls = sum(Object.values(state.kmsCalls));
      parts.push(`${calls} KMS ${calls === 1 ? "call" : "calls"}`);
    }
    parts.push(`${(tookMs / 1000).toFixed(1)} s`);
    const leftMs = this.#leftMs(running);
    if (leftMs !== undefined) parts.push(`about ${leftWords(leftMs)}`);
    return parts.join(", ");
  }

  #tookMs({ startMs, endMs }: RunningPhase): number {
    return (endMs ?? this.#display.clock.monotonicMs()) - startMs;
  }

  #frame(width: number): string[] {
    const phase = this.#phase;
    if (phase === undefined) return [];
    if (width < columnsMin - 1) return [cut(this.#sentence(phase), width, this.#display.look)];
    return [this.#place(phase, width), ...this.#besideCurves(phase, width)];
  }

  /** What is measured and which of how many it is, how long it has taken, what is left. */
  #place(phase: RunningPhase, width: number): string {
    const leftMs = this.#leftMs(phase);
    const { cells = 0, phases = 0 } = this.#expected ?? {};
    const place = [
      ...(cells > 1 ? [`cell ${this.#cells.size}/${cells}`] : []),
      ...(phases > 1 ? [`phase ${this.#phases}/${phases}`] : []),
    ].join(", ");
    const parts: Part[] = [
      { text: phase.phase, tone: "strong", rank: 0 },
      { text: cellName(phase), rank: 0 },
      ...(place === "" ? [] : [{ text: place, tone: "faint", rank: 3 } as const]),
      { text: `${(this.#tookMs(phase) / 1000).toFixed(1)} s`, rank: 4 },
      ...(leftMs === undefined ? [] : [{ text: `~${leftWords(leftMs)}`, rank: 2 }]),
    ];
    return fitted(parts, width, this.#display.look);
  }

  /** How far the load is and what the KMS is asked, each with a curve beside it: the details give way to those where there is little room. */
  #besideCurves(phase: RunningPhase, width: number): string[] {
    const { look } = this.#display;
    const named = { load: "latency ", calls: "calls   " };
    const bare = { load: "", calls: "" };
    const ways = [
      { parts: { load: this.#loadParts(phase, barWidth), calls: callParts(phase, this.#points.at(-1)) }, labels: named },
      { parts: { load: this.#loadParts(phase, shortBarWidth), calls: callParts(phase) }, labels: named },
      { parts: { load: this.#loadParts(phase, shortBarWidth), calls: callParts(phase) }, labels: bare },
    ];
    const curves = this.#curves(phase);
    for (const { parts, labels } of ways) {
      const from = Math.max(lengthOf(parts.load), lengthOf(parts.calls)) + gap.length;
      const room = width - from - labels.load.length - figureLength - 1;
      if (room < shownPointsMin) continue;
      return (["load", "calls"] as const).flatMap((which) => {
        const { figure, bars } = curves[which];
        const curve = figure === "" ? "" : `${look.paint("faint", labels[which])}${figure.padStart(figureLength)} ${bars(room)}`;
        if (parts[which].length === 0) return [];
        return [`${fitted(parts[which], width, look)}${" ".repeat(from - lengthOf(parts[which]))}${curve}`.trimEnd()];
      });
    }
    return [this.#loadParts(phase, shortBarWidth), callParts(phase)]
      .filter(({ length }) => length > 0)
      .map((parts) => fitted(parts, width, look));
  }

  /** The figures of now and those before them. */
  #curves({
    state: { kmsCalls = {} },
  }: RunningPhase): Record<"load" | "calls", { readonly figure: string; readonly bars: (count: number) => string }> {
    const { look } = this.#display;
    const latencies = this.#points.map(({ latencyMs }) => latencyMs);
    const calls = this.#points.map(({ callsPerSecond }) => sum(Object.values(callsPerSecond)));
    const [latency, rate] = [latencies.at(-1), calls.at(-1)];
    return {
      load: {
        figure: latencies.every(Number.isNaN) ? "" : latencyText(latency ?? Number.NaN, look),
        bars: (count) => logarithmicBars(latencies.slice(-count), look),
      },
      calls: {
        figure: rate === undefined || Object.keys(kmsCalls).length === 0 ? "" : `${Math.round(rate)}/s`,
        bars: (count) => linearBars(calls.slice(-count), look),
      },
    };
  }

  /** How far the load is, and how fast. */
  #loadParts(phase: RunningPhase, barLength: number): Part[] {
    const { due, state } = phase;
    const { done, failed = 0, awaited } = state;
    const tookMs = this.#tookMs(phase);
    const parts: Part[] = [];
    if (due > 0) {
      const count = `${String(done).padStart(String(due).length)}/${due}`;
      parts.push({ text: shareBar(done / due, barLength, this.#display.look), rank: 1 }, { text: count, rank: 0 });
    } else if (done > 0) {
      parts.push({ text: `${done} done`, rank: 0 });
    }
    if (done > 0 && tookMs > 0) parts.push({ text: perSecond(done, tookMs), rank: 0 });
    if (failed > 0) parts.push({ text: `${failed} failed`, tone: "fault", rank: 0 });
    if (awaited !== undefined) parts.push({ text: awaited, rank: 0 });
    return parts;
  }
}

/** The KMS calls by method, and after a point how many of each came a second in it; nothing where nobody sees them. */
function callParts({ state: { kmsCalls } }: RunningPhase, point?: Point): Part[] {
  if (kmsCalls === undefined) return [];
  const called = methods.filter((method) => (kmsCalls[method] ?? 0) > 0);
  if (called.length === 0) return [{ text: "no KMS call", rank: 0 }];
  return called.map((method) => {
    const rate = point === undefined ? "" : ` (${Math.round(point.callsPerSecond[method] ?? 0)}/s)`;
    return { text: `${method} ${kmsCalls[method]}${rate}`, rank: 0 };
  });
}

function latencyText(ms: number, { isUnicode }: Pick<Look, "isUnicode">): string {
  if (Number.isNaN(ms)) return isUnicode ? "–" : "-";
  return `${Number(ms.toPrecision(3))} ms`;
}

function perSecond(count: number, ms: number): string {
  return `${Math.round((count * 1000) / ms)}/s`;
}

/** `8 s left`, `3 min left`. */
function leftWords(ms: number): string {
  return `${ms < 90_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`} left`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
