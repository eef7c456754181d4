import { connect, type Socket } from "node:net";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { type Clock, systemClock } from "../clock.ts";
import { PluginError } from "../errors.ts";
import { Random } from "../random.ts";
import { type Fault, FaultPlan } from "./fault.ts";
import { socketPathOf } from "./socket.ts";
import { listenOnSocket } from "./socket-server.ts";
import { TapBook, type TapCounts } from "./tap-book.ts";
import { TapConnection, type TapShared } from "./tap-connection.ts";
import type { TapRecord } from "./tap-record.ts";
import type { TapReply, TapRequest, TapWorkerOptions } from "./tap-worker.ts";

/**
 * Stands between API servers and a KMS plugin on Unix sockets: relays HTTP/2 frames as they are, keeps a record of every call and plays
 * faults. Disposing of it removes its socket and ends all connections.
 */
export interface Tap extends AsyncDisposable {
  /** Where API servers connect: the absolute path of a Unix socket, mode 0600. */
  readonly socket: string;
  /** When the tap started, milliseconds since 1970-01-01T00:00:00Z; the records' times count from it. */
  readonly startedWallMs: number;
  /**
   * The records of the calls that ended since the last time, in the order in which they ended: every call is there whose answer the API
   * server had before this was asked.
   */
  drain(): Promise<TapRecord[]>;
  /** Calls that ended since the tap started. */
  counts(): Promise<TapCounts>;
  /** Calls that began and have not ended. */
  inFlight(): Promise<number>;
  /** Replaces the faults for the calls that begin from now on. */
  setFaults(faults: readonly Fault[]): Promise<void>;
  /** Sentences about what the tap could not see or keep. As long as there are none, the records are complete. */
  problems(): Promise<string[]>;
}

export interface TapOptions extends Omit<TapWorkerOptions, "seed"> {
  readonly clock?: Clock;
  /** Of the faults; always the same one by default. */
  readonly random?: Random;
  /** Gets each record as its call ends; {@link Tap.drain} returns none then. */
  readonly onRecord?: (record: TapRecord) => void;
}

/**
 * Starts a tap in this thread.
 * @throws PluginError when a path cannot be a socket's, or somebody listens there already.
 */
export async function startTap(options: TapOptions): Promise<Tap> {
  const { clock = systemClock, random = new Random("tap"), faults = [] } = options;
  const upstream = socketPathOf(options.upstream);
  const book = new TapBook(options.onRecord);
  const shared: TapShared = { clock, book, startedMs: clock.monotonicMs(), faults: new FaultPlan(faults, random) };
  const startedWallMs = clock.wallMs();
  const open = new Set<Disposable>();
  const listener = await listenOnSocket(options.listen, {
    clock,
    onConnection: (client) => relay(client, upstream, shared, open),
    onFault: (fault) => book.addProblem(`A connection could not be accepted: ${fault.message}.`),
  });
  return {
    socket: listener.path,
    startedWallMs,
    drain: async () => book.drain(),
    counts: async () => book.counts(),
    inFlight: async () => book.inFlight,
    setFaults: async (next) => {
      shared.faults = new FaultPlan(next, random);
    },
    problems: async () => book.problems(),
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const each of open) each[Symbol.dispose]();
    },
  };
}

/** Connects to the plugin for a client that has connected to the tap. */
function relay(client: Socket, upstream: string, shared: TapShared, open: Set<Disposable>): void {
  const plugin = connect({ path: upstream, allowHalfOpen: true });
  let connection: TapConnection | undefined;
  const relayed = {
    [Symbol.dispose]() {
      connection?.destroy();
      client.destroy();
      plugin.destroy();
    },
  };
  open.add(relayed);
  const onEnd = () => {
    if (connection === undefined) relayed[Symbol.dispose]();
    if (client.closed && plugin.closed) open.delete(relayed);
  };
  for (const socket of [client, plugin]) {
    // What went wrong shows as the end of the connection; "close" always follows.
    socket.on("error", () => {});
    socket.on("close", onEnd);
  }
  plugin.once("connect", () => {
    connection = new TapConnection(client, plugin, shared);
  });
}

export type { TapWorkerOptions } from "./tap-worker.ts";

/**
 * Starts a tap in a thread of its own, so that a busy event loop of this one delays no call. It is a {@link Tap} like any other.
 * @throws PluginError as {@link startTap} does.
 */
export async function startTapWorker(options: TapWorkerOptions): Promise<Tap> {
  const worker = new Worker(new URL(`./tap-worker${extname(import.meta.url)}`, import.meta.url), { workerData: options });
  const waiting = new Map<number, PromiseWithResolvers<TapReply>>();
  let failure: Error | undefined;
  const fail = (reason: Error) => {
    failure = reason;
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  };
  worker.on("error", (thrown) => fail(thrown instanceof Error ? thrown : new Error(String(thrown))));
  worker.on("exit", () => fail(failure ?? new Error("The tap has ended.")));
  worker.on("message", (reply: TapReply) => {
    waiting.get(reply.id)?.resolve(reply);
    waiting.delete(reply.id);
  });

  let nextId = 0;
  const ask = (request: Omit<TapRequest, "id"> = {}): Promise<TapReply> => {
    if (failure !== undefined) return Promise.reject(failure);
    const id = nextId++;
    const answer = Promise.withResolvers<TapReply>();
    waiting.set(id, answer);
    worker.postMessage({ id, ...request } satisfies TapRequest);
    return answer.promise;
  };

  const { started } = await ask();
  if ("code" in started) {
    await worker.terminate();
    throw new PluginError(started.code, started.message, started.hint === undefined ? {} : { hint: started.hint });
  }
  return {
    ...started,
    drain: async () => (await ask({ drain: true })).records,
    counts: async () => (await ask()).counts,
    inFlight: async () => (await ask()).inFlight,
    setFaults: async (faults) => {
      await ask({ faults });
    },
    problems: async () => (await ask()).problems,
    async [Symbol.asyncDispose]() {
      if (failure === undefined) await ask({ stop: true });
      await worker.terminate();
    },
  };
}
