import { parentPort, workerData } from "node:worker_threads";
import { PluginError } from "../errors.ts";
import { Random } from "../random.ts";
import type { Fault } from "./fault.ts";
import { startTap, type Tap } from "./tap.ts";
import { TapBook, type TapCounts } from "./tap-book.ts";
import type { TapRecord } from "./tap-record.ts";

/** What can go to another thread of {@link startTap}'s options. */
export interface TapWorkerOptions {
  /** Where to listen: a path or `unix:///path`. */
  readonly listen: string;
  /** Where the plugin listens, the same way. It may come later: until it is there, connections are closed and gRPC tries again. */
  readonly upstream: string;
  readonly faults?: readonly Fault[];
  /** Of the faults' randomness; always the same one by default. */
  readonly seed?: string;
}

/** What the thread is asked. It answers each in turn with a {@link TapReply}. */
export interface TapRequest {
  readonly id: number;
  /** Hands the records over. */
  readonly drain?: boolean;
  readonly faults?: readonly Fault[];
  readonly stop?: boolean;
}

/** How the tap is, after what was asked has been done. */
export interface TapReply {
  readonly id: number;
  /** What is the same in every reply, or why the tap could not start. */
  readonly started:
    | { readonly socket: string; readonly startedWallMs: number }
    | { readonly code: string; readonly message: string; readonly hint: string | undefined };
  readonly records: TapRecord[];
  readonly counts: TapCounts;
  readonly inFlight: number;
  readonly problems: string[];
}

// Written by `startTapWorker`, and by nobody else.
const { seed, ...options }: TapWorkerOptions = workerData;
const port = parentPort;
const start = startTap(seed === undefined ? options : { ...options, random: new Random(seed) });
// Whoever asks first is told.
start.catch(() => {});

port?.on("message", async (request: TapRequest) => {
  port.postMessage(await answer(request));
});

async function answer(request: TapRequest): Promise<TapReply> {
  let tap: Tap;
  try {
    tap = await start;
  } catch (thrown) {
    if (!(thrown instanceof PluginError)) throw thrown;
    const { code, message, hint } = thrown;
    return { id: request.id, started: { code, message, hint }, records: [], counts: new TapBook().counts(), inFlight: 0, problems: [] };
  }
  if (request.faults !== undefined) await tap.setFaults(request.faults);
  if (request.stop === true) await tap[Symbol.asyncDispose]();
  return {
    id: request.id,
    started: { socket: tap.socket, startedWallMs: tap.startedWallMs },
    records: request.drain === true ? await tap.drain() : [],
    counts: await tap.counts(),
    inFlight: await tap.inFlight(),
    problems: await tap.problems(),
  };
}
