import { describe, expect, it } from "vitest";
import { type Alarm, type Clock, systemClock } from "../clock.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { LoadDriver, type LoadOptions, type LoadResult, type LoadSample } from "./driver.ts";
import type { LatencyHistogram } from "./histogram.ts";
import { type Outcome, promiseSender } from "./promise-sender.ts";
import { closedLoop, constantRate } from "./schedule.ts";
import type { Sender } from "./sender.ts";

const ok: Outcome = { status: 200, failure: undefined };
const never = new AbortController().signal;

type Send = (index: number, signal: AbortSignal) => Promise<Outcome>;
type Options = Omit<LoadOptions, "sender"> & { readonly send: Send };

function driverOf({ send, ...options }: Options): LoadDriver {
  return new LoadDriver({ ...options, sender: promiseSender(options.schedule.count, send) });
}

/** A server that takes 1 ms for a request, and until `untilMs` for one that comes while it stands still. */
function server(clock: VirtualClock, { stallFromMs = 0, stallUntilMs = 0 } = {}): Send {
  return async (_index, signal) => {
    const nowMs = clock.monotonicMs();
    await clock.sleep(nowMs >= stallFromMs && nowMs < stallUntilMs ? stallUntilMs - nowMs : 1, signal);
    return ok;
  };
}

async function drive(clock: VirtualClock, options: Omit<Options, "clock" | "signal">): Promise<LoadResult> {
  const driver = driverOf({ ...options, clock, signal: never });
  const running = driver.run();
  await clock.advance(10_000);
  return running;
}

/** Every recorded duration in milliseconds, to the 3 digits that a histogram keeps. */
function figures(histogram: LatencyHistogram): object | null {
  const latency = histogram.toLatency();
  return latency && { count: latency.count, minMs: latency.min / 1e6, meanMs: latency.mean / 1e6, maxMs: latency.max / 1e6 };
}

describe("an open load", () => {
  it("sends each request when it is due", async () => {
    const clock = new VirtualClock();
    await clock.advance(500);
    const samples: LoadSample[] = [];
    const result = await drive(clock, {
      schedule: constantRate({ ratePerSecond: 400, count: 4 }),
      send: server(clock),
      onSample: (sample) => samples.push(sample),
    });
    expect(samples).toEqual([
      { index: 0, dueMs: 0, sentMs: 0, doneMs: 1, status: 200, overMs: 1, outcome: "ok" },
      { index: 1, dueMs: 2.5, sentMs: 2.5, doneMs: 3.5, status: 200, overMs: 3.5, outcome: "ok" },
      { index: 2, dueMs: 5, sentMs: 5, doneMs: 6, status: 200, overMs: 6, outcome: "ok" },
      { index: 3, dueMs: 7.5, sentMs: 7.5, doneMs: 8.5, status: 200, overMs: 8.5, outcome: "ok" },
    ]);
    expect(result).toMatchObject({
      load: { model: "open", ratePerSecond: 400, inFlightMax: 64 },
      due: 4,
      ok: 4,
      failed: 0,
      dropped: 0,
      failures: [],
      startMs: 500,
      durationMs: 8.5,
    });
  });

  it("charges a stall to every request that fell due meanwhile; the service time hides it", async () => {
    const clock = new VirtualClock();
    const result = await drive(clock, {
      schedule: constantRate({ ratePerSecond: 100, count: 10 }),
      send: server(clock, { stallFromMs: 20, stallUntilMs: 70 }),
      inFlightMax: 1,
    });
    // Due at 0, 10, … 90; those due at 30 … 70 wait for the one that was sent at 20 and is answered at 70.
    expect(figures(result.latency)).toEqual({ count: 10, minMs: 1, meanMs: (1 + 1 + 50 + 41 + 32 + 23 + 14 + 5 + 1 + 1) / 10, maxMs: 50 });
    expect(figures(result.serviceTime)).toEqual({ count: 10, minMs: 1, meanMs: (9 * 1 + 50) / 10, maxMs: 50 });
    expect(result.latency.quantileNs(50) / 1e6).toBeCloseTo(5, 2);
    // The client sent as soon as it could.
    expect(figures(result.sendDelay)).toEqual({ count: 10, minMs: 0, meanMs: 0, maxMs: 0 });
    expect([...result.seconds.seconds()].map(({ second, ok: answered }) => ({ second, answered }))).toEqual([{ second: 0, answered: 10 }]);
    expect(result.serviceTime.quantileNs(90) / 1e6).toBeCloseTo(1, 2);
  });

  it("never has more in flight than it may", async () => {
    const clock = new VirtualClock();
    let inFlight = 0;
    let most = 0;
    await drive(clock, {
      schedule: constantRate({ ratePerSecond: 1000, count: 50 }),
      inFlightMax: 3,
      send: async () => {
        most = Math.max(most, ++inFlight);
        await clock.sleep(10);
        inFlight--;
        return ok;
      },
    });
    expect(most).toBe(3);
  });

  it("drops what was held for too long, and counts it", async () => {
    const clock = new VirtualClock();
    const samples: LoadSample[] = [];
    const result = await drive(clock, {
      schedule: constantRate({ ratePerSecond: 100, count: 10 }),
      send: server(clock, { stallFromMs: 20, stallUntilMs: 70 }),
      inFlightMax: 1,
      dropAfterMs: 25,
      onSample: (sample) => samples.push(sample),
    });
    expect(result).toMatchObject({ due: 10, ok: 8, failed: 0, dropped: 2 });
    expect(samples.filter(({ sentMs }) => sentMs === null)).toEqual([
      { index: 3, dueMs: 30, sentMs: null, doneMs: null, status: 0, overMs: 55, outcome: "dropped" },
      { index: 4, dueMs: 40, sentMs: null, doneMs: null, status: 0, overMs: 65, outcome: "dropped" },
    ]);
    expect(figures(result.latency)).toEqual({ count: 8, minMs: 1, meanMs: (1 + 1 + 50 + 21 + 12 + 3 + 1 + 1) / 8, maxMs: 50 });
  });

  it("drops while the server still hangs", async () => {
    const clock = new VirtualClock();
    const driver = driverOf({
      schedule: constantRate({ ratePerSecond: 100, count: 10 }),
      send: server(clock, { stallFromMs: 0, stallUntilMs: 5000 }),
      inFlightMax: 1,
      dropAfterMs: 20,
      clock,
      signal: never,
    });
    const running = driver.run();
    await clock.advance(95);
    expect(driver.progress()).toMatchObject({ done: 7, failed: 7, inFlight: 1, count: 10 });
    await clock.advance(10_000);
    expect(await running).toMatchObject({ due: 10, ok: 1, dropped: 9, durationMs: 5000 });
  });

  it("ends at once when nothing is due", async () => {
    const result = await drive(new VirtualClock(), { schedule: constantRate({ ratePerSecond: 1, count: 0 }), send: async () => ok });
    expect(result).toMatchObject({ due: 0, ok: 0, durationMs: 0 });
    expect(result.latency.toLatency()).toBeNull();
  });

  it("is on time by the system's clock", async () => {
    const samples: LoadSample[] = [];
    const driver = driverOf({
      schedule: constantRate({ ratePerSecond: 200, count: 5 }),
      send: async () => ok,
      onSample: (sample) => samples.push(sample),
      clock: systemClock,
      signal: never,
    });
    const result = await driver.run();
    expect(samples.map(({ index, dueMs, sentMs }) => ({ index, isDue: (sentMs ?? -1) >= dueMs }))).toEqual(
      [0, 1, 2, 3, 4].map((index) => ({ index, isDue: true })),
    );
    expect(result.durationMs).toBeGreaterThanOrEqual(20);
  });
});

describe("a closed load", () => {
  it("sends each worker's next request when its last was answered", async () => {
    const clock = new VirtualClock();
    const samples: LoadSample[] = [];
    const result = await drive(clock, {
      schedule: closedLoop({ inFlight: 2, count: 5 }),
      send: async (index) => {
        await clock.sleep(index === 0 ? 25 : 10);
        return ok;
      },
      onSample: (sample) => samples.push(sample),
    });
    expect(samples).toEqual([
      { index: 1, dueMs: 0, sentMs: 0, doneMs: 10, status: 200, overMs: 10, outcome: "ok" },
      { index: 2, dueMs: 10, sentMs: 10, doneMs: 20, status: 200, overMs: 20, outcome: "ok" },
      { index: 0, dueMs: 0, sentMs: 0, doneMs: 25, status: 200, overMs: 25, outcome: "ok" },
      { index: 3, dueMs: 20, sentMs: 20, doneMs: 30, status: 200, overMs: 30, outcome: "ok" },
      { index: 4, dueMs: 25, sentMs: 25, doneMs: 35, status: 200, overMs: 35, outcome: "ok" },
    ]);
    expect(result).toMatchObject({ load: { model: "closed", inFlight: 2 }, due: 5, ok: 5, dropped: 0, durationMs: 35 });
  });

  it("ends when its time is over, though there is more to send", async () => {
    const clock = new VirtualClock();
    const result = await drive(clock, {
      schedule: closedLoop({ inFlight: 2, count: 1000, durationMs: 50 }),
      send: async () => {
        await clock.sleep(20);
        return ok;
      },
    });
    // Sent at 0, 20 and 40; what is in flight at 50 is waited for.
    expect(result).toMatchObject({ due: 6, ok: 6, durationMs: 60 });
  });

  it("hides a stall: each worker sees it once", async () => {
    const clock = new VirtualClock();
    const result = await drive(clock, {
      schedule: closedLoop({ inFlight: 1, count: 10 }),
      send: server(clock, { stallFromMs: 2, stallUntilMs: 52 }),
    });
    expect(figures(result.latency)).toEqual({ count: 10, minMs: 1, meanMs: (9 * 1 + 50) / 10, maxMs: 50 });
    expect(figures(result.serviceTime)).toEqual(figures(result.latency));
  });
});

describe("any load", () => {
  it("groups failures and leaves them out of the latencies", async () => {
    const clock = new VirtualClock();
    const samples: LoadSample[] = [];
    const result = await drive(clock, {
      schedule: closedLoop({ inFlight: 1, count: 5 }),
      send: async (index) => {
        await clock.sleep(1);
        if (index === 0) throw new Error("connection refused");
        return index < 3 ? { status: 500, failure: "the KMS is gone" } : ok;
      },
      onSample: (sample) => samples.push(sample),
    });
    expect(result).toMatchObject({
      due: 5,
      ok: 2,
      failed: 3,
      failures: [
        { status: 500, message: "the KMS is gone", count: 2 },
        { status: 0, message: "connection refused", count: 1 },
      ],
    });
    expect(result.latency.count).toBe(2);
    expect(samples.slice(0, 2)).toEqual([
      { index: 0, dueMs: 0, sentMs: 0, doneMs: null, status: 0, overMs: 1, outcome: "failed" },
      { index: 1, dueMs: 1, sentMs: 1, doneMs: 2, status: 500, overMs: 2, outcome: "failed" },
    ]);
  });

  it("tells how far it is", async () => {
    const clock = new VirtualClock();
    const driver = driverOf({
      schedule: constantRate({ ratePerSecond: 100, count: 100 }),
      send: async () => {
        await clock.sleep(15);
        return ok;
      },
      clock,
      signal: never,
    });
    expect(driver.progress()).toEqual({ done: 0, count: 100, inFlight: 0, failed: 0, latency: { count: 0, totalMs: 0 } });
    const running = driver.run();
    await clock.advance(500);
    expect(driver.progress()).toEqual({ done: 49, count: 100, inFlight: 2, failed: 0, latency: { count: 49, totalMs: 49 * 15 } });
    await clock.advance(10_000);
    await running;
  });

  it.each([
    ["open", constantRate({ ratePerSecond: 100, count: 100 })],
    ["closed", closedLoop({ inFlight: 1, count: 100 })],
  ] as const)("keeps what it measured when the signal ends it (%s)", async (_model, schedule) => {
    const clock = new VirtualClock();
    const interruption = new AbortController();
    const sent: number[] = [];
    const driver = driverOf({
      schedule,
      inFlightMax: 1,
      send: async (index, signal) => {
        sent.push(index);
        await clock.sleep(10, signal);
        return ok;
      },
      clock,
      signal: interruption.signal,
    });
    const running = driver.run();
    await clock.advance(35);
    interruption.abort(new Error("stop"));
    await clock.advance(10_000);
    expect(await running).toMatchObject({ due: 3, ok: 3, failed: 0, dropped: 0, durationMs: 35 });
    expect(sent).toEqual([0, 1, 2, 3]);
  });

  it("sends nothing when the signal has come already", async () => {
    const driver = driverOf({
      schedule: constantRate({ ratePerSecond: 100, count: 100 }),
      send: () => Promise.reject(new Error("sent")),
      clock: new VirtualClock(),
      signal: AbortSignal.abort(),
    });
    expect(await driver.run()).toMatchObject({ due: 0, failed: 0 });
  });

  it("runs once", async () => {
    const driver = driverOf({
      schedule: closedLoop({ inFlight: 1, count: 1 }),
      send: async () => ok,
      clock: new VirtualClock(),
      signal: never,
    });
    await driver.run();
    await expect(driver.run()).rejects.toThrow(/once/);
  });

  it("refuses limits under which nothing could be sent", () => {
    const options = {
      schedule: constantRate({ ratePerSecond: 1, count: 1 }),
      send: async () => ok,
      clock: new VirtualClock(),
      signal: never,
    };
    expect(() => driverOf({ ...options, inFlightMax: 0 })).toThrow(RangeError);
    expect(() => driverOf({ ...options, dropAfterMs: 0 })).toThrow(RangeError);
  });

  it("refuses a sender that has too few requests", () => {
    const sender = promiseSender(4, async () => ok);
    const schedule = constantRate({ ratePerSecond: 1, count: 5 });
    expect(() => new LoadDriver({ schedule, sender, clock: new VirtualClock(), signal: never })).toThrow("4 requests for a schedule of 5");
  });
});

describe("what the client itself holds up", () => {
  it("is told apart from what the server does", async () => {
    const clock = new VirtualClock();
    // It rings 3 ms late.
    const late = { ...clockOf(clock), startAlarm: (ring: () => void) => shifted(clock.startAlarm(ring), 3) };
    const driver = new LoadDriver({
      schedule: constantRate({ ratePerSecond: 100, count: 5 }),
      sender: promiseSender(5, server(clock)),
      clock: late,
      signal: never,
    });
    const running = driver.run();
    await clock.advance(1000);
    expect(figures((await running).sendDelay)).toEqual({ count: 5, minMs: 0, meanMs: 2.4, maxMs: 3 });
  });
});

function clockOf(clock: VirtualClock): Clock {
  return {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    startTimer: (ms, run) => clock.startTimer(ms, run),
    startAlarm: (ring) => clock.startAlarm(ring),
  };
}

function shifted(alarm: Alarm, ms: number): Alarm {
  return { set: (monotonicMs) => alarm.set(monotonicMs + ms), [Symbol.dispose]: () => alarm[Symbol.dispose]() };
}

/** Answers when it is told to, and notes what it is asked. */
class ScriptedSender implements Sender {
  readonly count = 100;
  readonly seen: string[] = [];
  onDone: Sender["onDone"] = () => {};

  send(index: number): void {
    this.seen.push(`send ${index}`);
  }

  flush(): void {
    this.seen.push("flush");
  }

  abort(reason: string): void {
    this.seen.push(`abort: ${reason}`);
  }
}

describe("a sender", () => {
  it("is flushed once for all that is due", async () => {
    const clock = new VirtualClock();
    const sender = new ScriptedSender();
    const driver = new LoadDriver({ schedule: closedLoop({ inFlight: 3, count: 6 }), sender, clock, signal: never });
    const running = driver.run();
    await clock.advance(2);
    for (const index of [1, 0, 2]) sender.onDone(index, 200, undefined);
    expect(sender.seen).toEqual(["send 0", "send 1", "send 2", "flush"]);
    await clock.advance(1);
    expect(sender.seen.slice(4)).toEqual(["send 3", "send 4", "send 5", "flush"]);
    for (const index of [5, 4, 3]) sender.onDone(index, 200, undefined);
    expect(await running).toMatchObject({ ok: 6, durationMs: 3 });
    expect(sender.seen).toHaveLength(8);
  });

  it("is told why the load was given up", async () => {
    const interruption = new AbortController();
    const sender = new ScriptedSender();
    const driver = new LoadDriver({
      schedule: closedLoop({ inFlight: 1, count: 2 }),
      sender,
      clock: new VirtualClock(),
      signal: interruption.signal,
    });
    const running = driver.run();
    interruption.abort(new Error("stop"));
    expect(sender.seen).toEqual(["send 0", "flush", "abort: stop"]);
    sender.onDone(0, 0, "stop");
    expect(await running).toMatchObject({ due: 0 });
  });

  it.each([7, 0])("that tells of a request that is not in flight is a defect (%s)", async (index) => {
    const sender = new ScriptedSender();
    const driver = new LoadDriver({ schedule: closedLoop({ inFlight: 1, count: 1 }), sender, clock: new VirtualClock(), signal: never });
    const running = driver.run();
    if (index === 0) sender.onDone(0, 200, undefined);
    sender.onDone(index, 200, undefined);
    await expect(running).rejects.toThrow(`Request ${index} is over, but was not in flight.`);
  });
});
