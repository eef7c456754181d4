import { connect } from "node:net";
import type { Clock } from "../clock.ts";
import { PluginError } from "../errors.ts";
import { defaultCallTimeoutMs } from "../kms/contract.ts";
import { type CallOwner, ClientConnection, type EncodedRequests } from "../kms/http2/client-connection.ts";
import { frameFlags, frameHeaderBytes, frameTypes } from "../kms/http2/frames.ts";
import type { Header } from "../kms/http2/hpack.ts";
import { RequestHeaders } from "../kms/http2/request-headers.ts";
import { requireListening } from "../kms/socket.ts";
import { kmsmarkVersion } from "../version.ts";
import { CallQueue } from "./call-queue.ts";
import { endpointOf, type PluginAddress, pluginAddressOf } from "./plugin-address.ts";
import type { OnDone, Sender } from "./sender.ts";

/** A call that a load makes again and again. */
export interface LoadCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The request, encoded. */
  readonly request: Uint8Array;
  /** What is wrong with an answer, without quoting it; undefined where nothing is. The bytes are valid only until it returns. */
  readonly verify: (answer: Uint8Array) => string | undefined;
}

export interface KmsLoadOptions {
  /** `unix:///path`, a path, `unix:///@abstract` or `tcp://host:port`. */
  readonly endpoint: string;
  /** At least one: request `index` is the call at `index` modulo their number. */
  readonly calls: readonly LoadCall[];
  /** How many requests may be sent. As many as can be counted by default. */
  readonly count?: number;
  /** Streams are spread over so many connections. Default 1, as kube-apiserver has. */
  readonly connections?: number;
  /** The gRPC deadline of every call, which counts from when it is sent; kube-apiserver's by default. It is kept to a tenth, or to 100 ms. */
  readonly timeoutMs?: number;
  /** Every so manieth answer is verified; 1 verifies all, 0 none. Default 64. */
  readonly verifyEvery?: number;
  readonly clock: Clock;
}

/** One of the connections, which is made anew when it ends. */
interface Link {
  connection: ClientConnection | undefined;
  /** Attempts to connect since one of its calls was answered. */
  attempts: number;
}

const indexMax = 2 ** 31 - 1;
const verifyEveryDefault = 64;
const readBytes = 64 * 1024;
const backoffMsFirst = 20;
const backoffMsMax = 1000;
/** A call that servers refuse to begin is not offered for ever. */
const attemptsMax = 8;
/** Status codes of gRPC for calls that got none. */
const [deadlineExceeded, internal, unavailable] = [4, 13, 14] as const;

/**
 * Calls a KMS plugin as fast as it can answer, and costs a few microseconds of CPU a call: see {@link ClientConnection}. As kube-apiserver's client does, a
 * call waits for a connection until its deadline. A call that the server certainly did nothing for (GOAWAY, REFUSED_STREAM, a connection that ended before
 * the call was written) is sent again, and no other is. Every request is told of once; a call without an answer has the status that gRPC gives it, such as 4
 * (DeadlineExceeded) or 14 (Unavailable), and after {@link abort} 0.
 */
export class KmsLoadClient implements Sender, AsyncDisposable {
  readonly count: number;
  onDone: OnDone = () => {};
  readonly #address: PluginAddress;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #verifyEvery: number;
  readonly #calls: readonly LoadCall[];
  readonly #paths: readonly string[];
  readonly #headers: readonly Header[];
  readonly #requests: EncodedRequests;
  readonly #links: Link[];
  /** Those that have retired and not closed too. */
  readonly #open = new Set<ClientConnection>();
  readonly #queue = new CallQueue();
  /** Of calls that were given back. */
  readonly #attempts = new Map<number, number>();
  /** What was wrong with the answers of calls that are not over. */
  readonly #wrong = new Map<number, string>();
  readonly #sweepMs: number;
  readonly #closing = new AbortController();
  #nextLink = 0;
  #unverified = 0;
  /** Why there is no connection. */
  #trouble = "nothing has answered yet";
  #isClosed = false;
  #onReady = () => {};

  private constructor(options: KmsLoadOptions) {
    const { calls, count = indexMax, connections = 1, timeoutMs = defaultCallTimeoutMs, verifyEvery = verifyEveryDefault } = options;
    const whole = (name: string, value: number, least: number, most: number) => {
      if (!Number.isSafeInteger(value) || value < least || value > most)
        throw new RangeError(`${name} is ${value}, not from ${least} to ${most}.`);
    };
    whole("calls", calls.length, 1, indexMax);
    whole("count", count, 0, indexMax);
    whole("connections", connections, 1, 1024);
    // gRPC allows eight digits.
    whole("timeoutMs", timeoutMs, 1, 99_999_999);
    whole("verifyEvery", verifyEvery, 0, indexMax);
    this.count = count;
    this.#address = pluginAddressOf(options.endpoint);
    this.#clock = options.clock;
    this.#timeoutMs = timeoutMs;
    this.#verifyEvery = verifyEvery;
    this.#calls = calls;
    this.#paths = [...new Set(calls.map(({ path }) => path))];
    this.#headers = headersWith(timeoutMs);
    this.#requests = encode(calls, this.#paths);
    this.#sweepMs = Math.min(100, Math.max(1, timeoutMs / 10));
    this.#links = Array.from({ length: connections }, () => ({ connection: undefined, attempts: 0 }));
  }

  /**
   * Resolves when all connections stand.
   * @throws PluginError `no-plugin`, `socket-forbidden`, `plugin-silent` (no HTTP/2 within the calls' timeout), `bad-endpoint`; RangeError for options that are none.
   */
  static async connect(options: KmsLoadOptions): Promise<KmsLoadClient> {
    const client = new KmsLoadClient(options);
    const address = client.#address;
    if ("path" in address && !address.path.startsWith("\0")) await requireListening(address.path);
    const ready = Promise.withResolvers<void>();
    client.#onReady = ready.resolve;
    using _tooLate = options.clock.startTimer(client.#timeoutMs, () => {
      const reason = `What listens on ${endpointOf(address)} cannot be called: ${client.#trouble}.`;
      ready.reject(new PluginError("plugin-silent", reason, { hint: "Look at the plugin's log; it hangs, or it is no gRPC server." }));
    });
    for (const link of client.#links) client.#connect(link);
    try {
      await ready.promise;
    } catch (thrown) {
      await client[Symbol.asyncDispose]();
      throw thrown;
    }
    client.#sweepLater();
    return client;
  }

  send(index: number): void {
    const deadlineMs = this.#clock.monotonicMs() + this.#timeoutMs;
    if (this.#queue.length === 0 && this.#begin(index, deadlineMs)) return;
    this.#queue.push(index, deadlineMs);
    if (this.#isClosed) queueMicrotask(() => this.abort("the client is closed"));
  }

  flush(): void {
    for (const { connection } of this.#links) connection?.flush();
  }

  abort(reason: string): void {
    for (const index of this.#queue.takeExpired(Number.POSITIVE_INFINITY)) this.#done(index, 0, reason);
    for (const connection of this.#open) connection.abort(reason);
  }

  /** Calls that are still open end as Unavailable. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
    for (const connection of this.#open) connection.close("the client was closed");
    this.abort("the client was closed");
  }

  /** False where no connection has room. */
  #begin(index: number, deadlineMs: number): boolean {
    for (let tried = 0; tried < this.#links.length; tried++) {
      const link = this.#links[this.#nextLink];
      this.#nextLink = (this.#nextLink + 1) % this.#links.length;
      if (link?.connection?.open(index, index % this.#calls.length, deadlineMs) === true) return true;
    }
    return false;
  }

  #connect(link: Link): void {
    if (this.#isClosed) return;
    const buffer = Buffer.allocUnsafeSlow(readBytes);
    const socket = connect({
      ...this.#address,
      noDelay: true,
      onread: {
        buffer,
        callback: (bytes) => {
          connection.read(bytes, buffer);
          return true;
        },
      },
    });
    const owner: CallOwner = {
      onMessage: this.#onMessage,
      onEnd: (index, code, failure) => {
        if (failure === undefined) link.attempts = 0;
        this.#onEnd(index, code, failure);
      },
      onUnsent: this.#onUnsent,
      onRoom: () => this.#onRoom(),
      onRetired: (reason) => {
        this.#trouble = reason;
        link.connection = undefined;
        this.#reconnect(link);
      },
      onClosed: () => this.#open.delete(connection),
    };
    const connection = new ClientConnection({
      socket,
      headers: new RequestHeaders(this.#headers, this.#paths),
      requests: this.#requests,
      owner,
    });
    link.connection = connection;
    this.#open.add(connection);
  }

  /** At once after a connection that did its work, later and later after one that did not. */
  #reconnect(link: Link): void {
    const waitMs = link.attempts === 0 ? 0 : Math.min(backoffMsMax, backoffMsFirst * 2 ** (link.attempts - 1));
    link.attempts++;
    void this.#after(waitMs, () => this.#connect(link));
  }

  #onRoom(): void {
    if (this.#links.every(({ connection }) => connection?.isReady === true)) this.#onReady();
    while (this.#queue.first !== undefined && this.#begin(this.#queue.first, this.#queue.firstDeadlineMs)) this.#queue.dropFirst();
    this.flush();
  }

  readonly #onMessage = (index: number, bytes: Buffer, from: number, to: number): void => {
    if (this.#verifyEvery === 0 || ++this.#unverified < this.#verifyEvery) return;
    this.#unverified = 0;
    const wrong = this.#calls[index % this.#calls.length]?.verify(bytes.subarray(from, to));
    if (wrong !== undefined) this.#wrong.set(index, wrong);
  };

  readonly #onEnd = (index: number, code: number, failure: string | undefined): void => {
    const wrong = this.#wrong.size > 0 ? this.#wrong.get(index) : undefined;
    if (wrong !== undefined) this.#wrong.delete(index);
    if (wrong !== undefined && failure === undefined) this.#done(index, internal, wrong);
    else this.#done(index, code, failure);
  };

  readonly #onUnsent = (index: number, deadlineMs: number, reason: string): void => {
    const attempts = (this.#attempts.get(index) ?? 0) + 1;
    if (attempts >= attemptsMax || this.#isClosed) {
      this.#done(index, unavailable, `not begun in ${attempts} attempts: ${reason}`);
    } else {
      this.#attempts.set(index, attempts);
      this.#queue.push(index, deadlineMs);
    }
  };

  #done(index: number, status: number, failure: string | undefined): void {
    if (this.#attempts.size > 0) this.#attempts.delete(index);
    this.onDone(index, status, failure);
  }

  #sweepLater(): void {
    void this.#after(this.#sweepMs, () => {
      const nowMs = this.#clock.monotonicMs();
      for (const connection of this.#open) connection.expire(nowMs);
      for (const index of this.#queue.takeExpired(nowMs)) {
        this.#done(index, deadlineExceeded, `no connection with room before the deadline: ${this.#trouble}`);
      }
      this.#sweepLater();
    });
  }

  /** Unless the client is closed before. It keeps the process alive, which may have nothing else while there is no connection. */
  async #after(ms: number, act: () => void): Promise<void> {
    try {
      await this.#clock.sleep(ms, this.#closing.signal);
    } catch (thrown) {
      if (this.#isClosed) return;
      throw thrown;
    }
    act();
  }
}

/** The requests as frames: where there is one DATA frame, it needs no more than its stream id. */
function encode(calls: readonly LoadCall[], paths: readonly string[]): EncodedRequests {
  const frameBytes = (request: Uint8Array) => frameHeaderBytes + grpcPrefixBytes + request.length;
  const bytes = Buffer.alloc(calls.reduce((sum, { request }) => sum + frameBytes(request), 0));
  const offsets = new Uint32Array(calls.length + 1);
  let at = 0;
  for (const [number, { request }] of calls.entries()) {
    offsets[number] = at;
    bytes.writeUIntBE(Math.min(grpcPrefixBytes + request.length, 0xffffff), at, 3);
    bytes.writeUInt8(frameTypes.data, at + 3);
    bytes.writeUInt8(frameFlags.endStream, at + 4);
    // A byte that says that it is not compressed, and the length.
    bytes.writeUInt32BE(request.length, at + frameHeaderBytes + 1);
    bytes.set(request, at + frameHeaderBytes + grpcPrefixBytes);
    at += frameBytes(request);
  }
  offsets[calls.length] = at;
  return { bytes, offsets, routes: Uint8Array.from(calls, ({ path }) => paths.indexOf(path)) };
}

const grpcPrefixBytes = 5;

/** What kube-apiserver's client sends (grpc-go; spec encryption-at-rest 1.1), with a user agent of its own. */
function headersWith(timeoutMs: number): Header[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["user-agent", `kmsmark/${kmsmarkVersion()}`],
    ["te", "trailers"],
    ["grpc-timeout", `${timeoutMs}m`],
  ];
}
