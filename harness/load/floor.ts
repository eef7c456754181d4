import type { Clock } from "../clock.ts";
import { clockResolutionNs } from "../run/machine.ts";
import type { Floor, Latency } from "../run/schema.ts";
import { LoadDriver } from "./driver.ts";
import { LatencyHistogram } from "./histogram.ts";
import { NextTurnSender } from "./next-turn-sender.ts";
import { closedLoop, constantRate } from "./schedule.ts";
import type { Sender } from "./sender.ts";

/** A server that does nothing, and what it is asked through: a round trip to it is what the client itself takes. */
export interface NullServer {
  /** The kind of socket, `grpc-unix` or `https`. */
  readonly name: string;
  /** Starts it, with a sender for at least so many requests. */
  open(requests: number): Promise<AsyncDisposable & { readonly sender: Sender }>;
}

export interface FloorOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Those of the kinds of socket that the run measures through. */
  readonly nullServers?: readonly NullServer[];
}

const roundTrips = 300;
/** A client's first requests pay for code that is not compiled yet. */
const warmUps = 200;
const looks = 60;
const lookMs = 1;
const sends = 60;
const sendsPerSecond = 500;

/**
 * Measures what the client can measure at best on this machine: takes some 0.3 s, and 0.1 s for each null server. A figure below three of these says more of the
 * client than of what was measured.
 */
export async function measureFloor({ clock, signal, nullServers = [] }: FloorOptions): Promise<Floor> {
  const measured: Record<string, Latency> = {};
  for (const { name, open } of nullServers) {
    await using server = await open(warmUps + roundTrips);
    const latency = await roundTripsTo(server.sender, clock, signal);
    if (latency !== null) measured[name] = latency;
  }
  const eventLoopDelay = LatencyHistogram.empty();
  for (let look = 0; look < looks; look++) {
    const startMs = clock.monotonicMs();
    await clock.sleep(lookMs, signal);
    eventLoopDelay.recordMs(Math.max(0, clock.monotonicMs() - startMs - lookMs));
  }
  // The first time starts what wakes an alarm.
  await sendDelayOf(sends / 4, clock, signal);
  const sendDelay = await sendDelayOf(sends, clock, signal);
  signal.throwIfAborted();
  return {
    roundTrips: measured,
    eventLoopDelay: latencyOf(eventLoopDelay),
    clockResolutionNs: clockResolutionNs(clock),
    sendDelay: sendDelay.toLatency(),
  };
}

/** How late requests are sent where nothing is in their way. */
async function sendDelayOf(count: number, clock: Clock, signal: AbortSignal): Promise<LatencyHistogram> {
  const schedule = constantRate({ ratePerSecond: sendsPerSecond, count });
  const { sendDelay } = await new LoadDriver({ schedule, sender: new NextTurnSender(), clock, signal }).run();
  return sendDelay;
}

/** One after the other, the first of them uncounted. */
async function roundTripsTo(sender: Sender, clock: Clock, signal: AbortSignal): Promise<Latency | null> {
  const latency = LatencyHistogram.empty();
  const driver = new LoadDriver({
    schedule: closedLoop({ inFlight: 1, count: warmUps + roundTrips }),
    sender,
    clock,
    signal,
    onSample: ({ index, sentMs, doneMs }) => {
      if (index >= warmUps && sentMs !== null && doneMs !== null) latency.recordMs(doneMs - sentMs);
    },
  });
  await driver.run();
  signal.throwIfAborted();
  return latency.toLatency();
}

function latencyOf(histogram: LatencyHistogram): Latency {
  const latency = histogram.toLatency();
  if (latency === null) throw new TypeError("Nothing was recorded.");
  return latency;
}
