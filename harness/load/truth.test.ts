import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { Random } from "../random.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { LoadDriver, type LoadResult } from "./driver.ts";
import { LatencyHistogram } from "./histogram.ts";
import { promiseSender } from "./promise-sender.ts";
import { constantRate, poissonRate } from "./schedule.ts";
import type { OnDone, Sender } from "./sender.ts";

/**
 * Is what the driver records what happened? A server with known delays keeps a journal of its own, and the quantiles of both must agree within 2 % or 50 µs.
 * The server lives in the driver's own thread: whatever the machine does to one it does to both, and what is left is what the driver adds.
 */
const quantiles = [50, 90, 99, 99.9] as const;
const never = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), "kmsmark-truth-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How long request `index` takes that arrives at `arrivedMs` of the server's life. */
type Delay = (index: number, arrivedMs: number) => number;

/** Answers the number that it is sent, later, and notes when it was asked and when it had answered. */
class JournalServer {
  readonly arrivedMs = new Map<number, number>();
  readonly departedMs = new Map<number, number>();
  readonly path: string;
  #server: Server;
  #startMs = systemClock.monotonicMs();
  #ready: (() => void)[] = [];

  constructor(name: string, delay: Delay) {
    this.path = join(folder, name);
    this.#server = createServer((socket) => {
      onNumbers(socket, (index) => {
        const nowMs = systemClock.monotonicMs();
        this.arrivedMs.set(index, nowMs);
        systemClock.startTimer(delay(index, nowMs - this.#startMs), () => {
          this.#ready.push(() => {
            socket.write(numberBytes([index]));
            this.departedMs.set(index, systemClock.monotonicMs());
          });
          if (this.#ready.length === 1) setImmediate(this.#answerOne);
        });
      });
    }).listen(this.path);
  }

  /** One a turn, so that what is answered is read before the next is: on a slow machine many become ready together. */
  readonly #answerOne = () => {
    this.#ready.shift()?.();
    if (this.#ready.length > 0) setImmediate(this.#answerOne);
  };

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

/** Sends numbers over a Unix socket, one write a flush. */
class NumberSender implements Sender {
  readonly count = Number.MAX_SAFE_INTEGER;
  onDone: OnDone = () => {};
  #socket: Socket;
  #begun: number[] = [];

  constructor(path: string) {
    this.#socket = connect(path);
    onNumbers(this.#socket, (index) => this.onDone(index, 0, undefined));
  }

  send(index: number): void {
    this.#begun.push(index);
  }

  flush(): void {
    this.#socket.write(numberBytes(this.#begun.splice(0)));
  }

  abort(): void {}

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

function onNumbers(socket: Socket, take: (index: number) => void): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    const all = Buffer.concat([rest, bytes]);
    const whole = all.length - (all.length % 4);
    for (let at = 0; at < whole; at += 4) take(all.readUInt32BE(at));
    rest = all.subarray(whole);
  });
}

function numberBytes(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number, at * 4);
  return bytes;
}

/** The nearest rank of unsorted figures. */
function exactQuantile(values: readonly number[], percent: number): number {
  const rank = Math.ceil((percent * values.length) / 100 - 1e-9);
  return values.toSorted((a, b) => a - b)[Math.max(0, rank - 1)] ?? Number.NaN;
}

interface Measured {
  readonly result: LoadResult;
  /** By the server's journal: from due, and from its arrival, until it was answered, ms. */
  readonly fromDueMs: readonly number[];
  readonly fromArrivalMs: readonly number[];
}

async function measure(
  name: string,
  delay: Delay,
  load: { ratePerSecond: number; count: number; inFlightMax?: number },
): Promise<Measured> {
  using server = new JournalServer(name, delay);
  using sender = new NumberSender(server.path);
  const schedule = constantRate(load);
  const { inFlightMax = 1000 } = load;
  const driver = new LoadDriver({ schedule, sender, clock: systemClock, signal: never, inFlightMax, dropAfterMs: 60_000 });
  const result = await driver.run();
  const nextMs = schedule.dueTimesMs();
  const took = Array.from({ length: load.count }, (_, index) => {
    const departedMs = server.departedMs.get(index) ?? Number.NaN;
    return { fromDueMs: departedMs - result.startMs - nextMs(), fromArrivalMs: departedMs - (server.arrivedMs.get(index) ?? Number.NaN) };
  });
  return { result, fromDueMs: took.map(({ fromDueMs }) => fromDueMs), fromArrivalMs: took.map(({ fromArrivalMs }) => fromArrivalMs) };
}

/** What differs by more than 2 % and by more than 50 µs. */
function disagreements(recorded: LatencyHistogram, truthMs: readonly number[]): string[] {
  expect(recorded.count).toBe(truthMs.length);
  return quantiles.flatMap((percent) => {
    const [ms, trueMs] = [recorded.quantileNs(percent) / 1e6, exactQuantile(truthMs, percent)];
    return Math.abs(ms - trueMs) <= Math.max(0.05, 0.02 * trueMs) ? [] : [`p${percent}: ${ms} ms recorded, ${trueMs} ms true`];
  });
}

/** Each is drawn from the index alone, so that a run can be made again. */
const drawn = (index: number) => new Random(`truth ${index}`).fraction();
const delays: Readonly<Record<string, Delay>> = {
  constant: () => 20,
  bimodal: (index) => (index % 4 === 0 ? 60 : 15),
  "with a heavy tail": (index) => Math.min(500, 15 / Math.sqrt(1 - drawn(index))),
};

describe("what is recorded agrees with the server's journal when its delays are", () => {
  it.each(Object.entries(delays))("%s", async (name, delay) => {
    const { result, fromDueMs } = await measure(name, delay, { ratePerSecond: 400, count: 1200 });
    expect(result).toMatchObject({ ok: 1200, failed: 0, dropped: 0 });
    expect(disagreements(result.latency, fromDueMs)).toEqual([]);
  });

  it("such that it stands still for 100 ms of every second: from due that is seen in full, from sent it is hidden", async () => {
    const stall: Delay = (_, arrivedMs) => {
      const inSecondMs = arrivedMs % 1000;
      return inSecondMs >= 300 && inSecondMs < 400 ? 400 - inSecondMs + 10 : 10;
    };
    // With four in flight the client cannot send into the stall, as one with four connections could not.
    const { result, fromDueMs, fromArrivalMs } = await measure("stall", stall, { ratePerSecond: 250, count: 625, inFlightMax: 4 });
    expect(disagreements(result.latency, fromDueMs)).toEqual([]);
    // One in ten fell due in a stall, and waited for up to 100 ms.
    expect(result.latency.quantileNs(95) / 1e6).toBeGreaterThan(50);
    expect(result.latency.quantileNs(99) / 1e6).toBeGreaterThan(80);
    // A clock that is started at sending agrees with the server, which never saw those that could not be sent.
    expect(result.serviceTime.quantileNs(95)).toBeLessThan(result.latency.quantileNs(95) / 2);
    expect(exactQuantile(fromArrivalMs, 95)).toBeLessThan(exactQuantile(fromDueMs, 95) / 2);
  });
});

describe("by a clock of its own the record is exact to the histogram's digits", () => {
  it.each(Object.entries(delays))("%s", async (_, delay) => {
    const clock = new VirtualClock();
    const schedule = poissonRate({ ratePerSecond: 500, count: 2000, random: new Random("truth") });
    const driver = new LoadDriver({
      schedule,
      sender: promiseSender(schedule.count, async (index) => {
        await clock.sleep(delay(index, 0));
        return { status: 200, failure: undefined };
      }),
      clock,
      signal: never,
      inFlightMax: 2000,
    });
    const running = driver.run();
    await clock.advance(60_000);
    const expected = LatencyHistogram.empty();
    for (let index = 0; index < schedule.count; index++) expected.recordMs(delay(index, 0));
    const { latency } = await running;
    // Sums of fractions may come out a nanosecond aside.
    for (const percent of quantiles) expect(Math.abs(latency.quantileNs(percent) / expected.quantileNs(percent) - 1)).toBeLessThan(0.001);
    expect(latency.count).toBe(schedule.count);
  });
});
