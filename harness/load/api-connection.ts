import { isIP, type OnReadOpts } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { Clock } from "../clock.ts";
import { TargetError } from "../errors.ts";
import { statusOfBlock } from "../kms/http2/answer-status.ts";
import {
  clientPreface,
  errorCodes,
  errorNameOf,
  frameBytes,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  Http2Error,
  headersBytes,
  headerTableSizeSetting,
  payloadBytesMax,
  settings,
  settingsBytes,
  windowUpdateBytes,
} from "../kms/http2/frames.ts";
import { ReusedBufferFrames } from "../kms/http2/reused-buffer-frames.ts";
import type { ApiAccess } from "../target/target.ts";
import { noAnswer } from "./api-fault.ts";
import { ApiRequestHeaders } from "./api-request-headers.ts";

/** A request as it goes out, but for its stream's id. */
export interface EncodedRequest {
  /** A HEADERS frame with stream id 0; it ends the stream where there is no body. */
  readonly headers: Buffer;
  /** Undefined where it is empty. */
  readonly body: Buffer | undefined;
}

/** Who has requests on a connection; `tag` is what it knows each by. It is never told from inside {@link ApiConnection.send}. */
export interface ExchangeOwner {
  /** An answer is complete. `body` is the beginning of it where the status is no 2xx; it may hold anything. */
  onAnswer(tag: number, status: number, body: Uint8Array): void;
  /** There will be no complete answer; what the server did is not known. */
  onLost(tag: number, reason: string): void;
  /** The server certainly did nothing for the request: it may be sent again. */
  onUnsent(tag: number, reason: string): void;
  /** Answers were told, so there is room. */
  onRoom(): void;
  /** The connection takes no more requests; it still tells of those that it has. Told once. */
  onRetired(connection: ApiConnection): void;
}

export interface ApiConnectionOptions {
  readonly api: ApiAccess;
  readonly owner: ExchangeOwner;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** A power of two. */
const placesMax = 2048;
const placesMask = placesMax - 1;
/** The most that is in flight on one connection, whatever the server would allow: few enough that a request that hangs is in the way of few others. */
const streamsMaxMax = placesMax / 2;
const connectMsMax = 10_000;
const readBytesMax = 64 * 1024;
const outBytesAtFirst = 64 * 1024;
/** An output buffer that grew beyond this is not kept. */
const outBytesKept = 1024 * 1024;
/** What is kept of the body of an answer that is no 2xx: more than a Status object usually takes. */
const keptBytesMax = 4096;
/** So much may come in unasked: answers are read as they come and thrown away, so nothing is gained by holding them back. */
const windowBytes = 2 ** 31 - 1;
/** Every connection and every stream begins with it (RFC 9113 section 6.9.2). */
const windowBytesDefault = 65_535;
/** No request begins after it; the rest of the 31 bits is for ids that are left out. */
const streamIdLast = 2 ** 31 - 1 - 2 * placesMax;
/** A header block that is longer is none that an API server sends. */
const blockBytesMax = 64 * 1024;
const nothing = new Uint8Array(0);

/** The tag of the request that opens a connection. */
const openingTag = -1;

/** The rest of a body that does not go out at once, because the server has not opened its windows so far. */
interface SlowBody {
  readonly id: number;
  readonly body: Buffer;
  at: number;
  /** How much of it the server still takes. */
  window: number;
}

/**
 * One HTTP/2 connection to an API server, for thousands of requests a second that were encoded beforehand.
 *
 * Why HTTP/2 and not a pool of HTTP/1.1 connections: what a request costs its client is above all reading and writing, which Node.js does once a TLS
 * record. On one connection the requests that are due together leave in one record, and the answers of a busy server arrive several in
 * one read: half the CPU of 32 HTTP/1.1 connections (docs/performance.md). Pipelining on HTTP/1.1 would do the same, at the price that each
 * request waits for the answers before it, which would then be measured. Go's clients, kubectl among them, speak HTTP/2 to an API server too.
 *
 * It asks the server for headers that refer to no table, so that an answer's status can be read without the rest (answer-status.ts). Bodies of
 * 2xx answers are thrown away as they come. What a load does not meet (pushes, another protocol, frames out of place) ends the connection with a sentence.
 */
export class ApiConnection {
  readonly #socket: TLSSocket;
  readonly #api: ApiAccess;
  readonly #owner: ExchangeOwner;
  readonly #frames = new ReusedBufferFrames(payloadBytesMax, (type, flags, streamId, bytes, from, to) =>
    this.#onFrame(type, flags, streamId, bytes, from, to),
  );
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();

  // Requests in flight by place: half their stream id, modulo the number of places. A free place has the id 0.
  readonly #ids = new Int32Array(placesMax);
  readonly #tags = new Int32Array(placesMax);
  readonly #statuses = new Uint16Array(placesMax);
  readonly #ages = new Uint32Array(placesMax);
  #inFlight = 0;
  /** By stream id. */
  readonly #kept = new Map<number, Buffer>();
  #nextId = 1;
  /** Requests from this stream id on have not left this process. */
  #unwrittenId = 1;

  // What the server allows.
  #streamsMax = streamsMaxMax;
  #window = windowBytesDefault;
  #initialWindow = windowBytesDefault;
  #frameBytesMax = payloadBytesMax;
  #slow: SlowBody[] = [];

  // What comes in.
  #hasSettings = false;
  #isAcknowledged = false;
  /** Bytes of DATA since the last WINDOW_UPDATE. */
  #received = 0;
  /** A header block that goes on in CONTINUATION frames. */
  #block: { readonly streamId: number; readonly flags: number; bytes: Buffer } | undefined;
  #hasFreed = false;

  // What goes out.
  #out: Buffer = Buffer.allocUnsafeSlow(outBytesAtFirst);
  #outBytes = 0;
  /** Buffers that are being written, oldest first, and those that have been. */
  readonly #writing: Buffer[] = [];
  readonly #spares: Buffer[] = [];
  #isWriteDue = false;

  #isRetired = false;
  #isOver = false;
  #fault: unknown;

  private constructor({ api, owner }: ApiConnectionOptions) {
    const { hostname, port } = new URL(api.url);
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    this.#api = api;
    this.#owner = owner;
    const readInto = Buffer.allocUnsafeSlow(readBytesMax);
    // Node.js takes `onread` for TLS as it does for TCP; its types do not say so.
    const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
      host,
      port: Number(port || 443),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ca: api.caPem,
      rejectUnauthorized: true,
      // To a server without HTTP/2 the handshake would otherwise end with an alert that says nothing.
      ALPNProtocols: ["h2", "http/1.1"],
      // One buffer that is read into again and again, in the place of a new one and a stream's machinery for each record.
      onread: { buffer: readInto, callback: (bytes) => this.#read(bytes, readInto) },
      ...(api.identity.kind === "certificate" ? { cert: api.identity.certificatePem, key: api.identity.keyPem } : {}),
    };
    this.#socket = connect(options);
    this.#socket.setNoDelay(true);
    this.#socket.once("secureConnect", () => this.#begin());
    this.#socket.on("error", (error) => {
      this.#fault ??= error;
    });
    this.#socket.on("close", () => {
      this.#end(this.#fault ?? new Error("it closed the connection"));
      this.#closed.resolve();
    });
  }

  /**
   * Connects, and waits until the API server has answered a first request, so that none that is measured pays for the handshake.
   * @throws TargetError `api-unreachable`, `api-untrusted`, `api-timeout`, and `api-no-http2` for a server that does not speak HTTP/2;
   * the signal's reason
   */
  static async open(options: ApiConnectionOptions): Promise<ApiConnection> {
    const { api, clock, signal } = options;
    signal?.throwIfAborted();
    const connection = new ApiConnection(options);
    const giveUp = () => connection.#socket.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
    const onAbort = () => connection.#socket.destroy();
    using _ = clock.startTimer(connectMsMax, giveUp);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await connection.#ready.promise;
      return connection;
    } catch (thrown) {
      connection.#socket.destroy();
      if (signal?.aborted === true) throw signal.reason;
      throw thrown instanceof TargetError ? thrown : noAnswer(api.url, thrown);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Resolves when it is gone. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** How many requests it takes at a time. */
  get streamsMax(): number {
    return this.#streamsMax;
  }

  /** Whether a request may be sent now. */
  get hasRoom(): boolean {
    return !this.#isRetired && this.#inFlight < this.#streamsMax;
  }

  /** Begins a request; it goes out soon after {@link flush}. Only while {@link hasRoom}. */
  send(tag: number, { headers, body }: EncodedRequest): void {
    let id = this.#nextId;
    // A stream id may be left out; the place belongs to a request that hangs.
    while (this.#ids[(id >>> 1) & placesMask] !== 0) id += 2;
    const place = (id >>> 1) & placesMask;
    this.#nextId = id + 2;
    this.#ids[place] = id;
    this.#inFlight++;
    this.#tags[place] = tag;
    this.#statuses[place] = 0;
    this.#ages[place] = 0;
    const at = this.#reserve(headers.length);
    headers.copy(this.#out, at);
    this.#out.writeUInt32BE(id, at + 5);
    if (body !== undefined) this.#sendBody({ id, body, at: 0, window: this.#initialWindow });
    if (this.#nextId > streamIdLast) this.#retire();
  }

  /** Lets go what was begun, once the answers that have come in are read. */
  flush(): void {
    if (this.#isWriteDue || this.#outBytes === 0) return;
    this.#isWriteDue = true;
    setImmediate(this.#write);
  }

  /** Gives up all requests and tells nobody. Returns their tags. */
  cancel(): number[] {
    const tags = this.#openIds().map((id) => this.#reset(id, placeOf(id), errorCodes.cancel));
    this.#settle();
    return tags;
  }

  /** To be called at equal intervals: requests that have seen more than `ticksMax` of these calls are lost. */
  tick(ticksMax: number, reason: string): void {
    for (const id of this.#openIds()) {
      const place = placeOf(id);
      const age = (this.#ages[place] ?? 0) + 1;
      this.#ages[place] = age;
      if (age > ticksMax) this.#owner.onLost(this.#reset(id, place, errorCodes.cancel), reason);
    }
    this.#settle();
  }

  /** Closes it; requests in flight are lost. */
  async close(): Promise<void> {
    this.#end(new Error("the client closed the connection"));
    this.#socket.destroy();
    await this.#closed.promise;
  }

  #begin(): void {
    if (this.#socket.alpnProtocol !== "h2") {
      const { url } = this.#api;
      this.#end(new TargetError("api-no-http2", `The API server at ${url} does not speak HTTP/2, which the client for load needs.`));
      return;
    }
    this.#add(clientPreface);
    this.#add(
      settingsBytes([
        [headerTableSizeSetting, 0],
        [settings.enablePush, 0],
        [settings.initialWindowSize, windowBytes],
      ]),
    );
    this.#add(windowUpdateBytes(0, windowBytes - windowBytesDefault));
    this.flush();
  }

  /** Both sides know what the other allows. */
  #open(): void {
    // The block begins with a table size of 0 (RFC 7541 section 6.3): no header of this client will refer to a table, whatever the server allows.
    const head = { method: "GET", path: "/livez", contentType: undefined, bodyBytes: 0 };
    const block = Buffer.concat([Buffer.of(0x20), new ApiRequestHeaders(this.#api).blockOf(head)]);
    this.send(openingTag, { headers: headersBytes(0, frameFlags.endStream, block), body: undefined });
    this.flush();
  }

  #read(bytes: number, chunk: Buffer): boolean {
    if (this.#isOver) return true;
    try {
      this.#frames.read(chunk, bytes);
      if (this.#isOver) return true;
      if (this.#received >= windowBytes / 4) {
        this.#add(windowUpdateBytes(0, this.#received));
        this.#received = 0;
      }
    } catch (thrown) {
      if (!(thrown instanceof Http2Error)) throw thrown;
      this.#breakOff(thrown);
      return true;
    }
    this.#settle();
    return true;
  }

  #onFrame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): boolean {
    if (!this.#hasSettings && type !== frameTypes.settings) throw new Http2Error("what answers does not speak HTTP/2");
    if (this.#block !== undefined && (type !== frameTypes.continuation || streamId !== this.#block.streamId)) {
      throw new Http2Error("a frame stands within a header block");
    }
    if (type === frameTypes.data) this.#onData(flags, streamId, bytes, from, to);
    else if (type === frameTypes.headers) this.#onHeaders(flags, streamId, bytes, from, to);
    else this.#onOther(type, flags, streamId, bytes.subarray(from, to));
    return !this.#isOver;
  }

  #onOther(type: number, flags: number, streamId: number, payload: Buffer): void {
    switch (type) {
      case frameTypes.continuation:
        this.#onContinuation(flags, payload);
        break;
      case frameTypes.rstStream:
        this.#onReset(streamId, payload);
        break;
      case frameTypes.settings:
        this.#onSettings(streamId, flags, payload);
        break;
      case frameTypes.ping:
        this.#onPing(streamId, flags, payload);
        break;
      case frameTypes.goAway:
        this.#onGoAway(streamId, payload);
        break;
      case frameTypes.windowUpdate:
        this.#onWindowUpdate(streamId, payload);
        break;
      case frameTypes.pushPromise:
        throw new Http2Error("the server pushes, which it was told not to");
      default:
      // PRIORITY, and what extensions have, is to be ignored (RFC 9113 sections 5.3.2 and 5.5).
    }
  }

  /** Whether a stream's request is in flight; it is not where it is over already, as after a reset. */
  #isOpen(streamId: number): boolean {
    if (streamId !== 0 && this.#ids[placeOf(streamId)] === streamId) return true;
    if ((streamId & 1) === 0 || streamId >= this.#nextId) throw new Http2Error("a frame is on a stream that nobody opened");
    return false;
  }

  #onData(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    this.#received += to - from;
    if (!this.#isOpen(streamId)) return;
    const place = placeOf(streamId);
    const status = this.#statuses[place] ?? 0;
    if (status === 0) {
      this.#lose(streamId, place, "the answer begins without headers");
      return;
    }
    const padding = paddingOf(flags, bytes, from, to);
    if (status > 299) this.#keep(streamId, bytes.subarray(padding === 0 ? from : from + 1, padding === 0 ? to : to - padding + 1));
    if ((flags & frameFlags.endStream) !== 0) this.#finish(streamId, place);
  }

  #keep(streamId: number, piece: Buffer): void {
    const before = this.#kept.get(streamId) ?? Buffer.alloc(0);
    if (before.length < keptBytesMax) this.#kept.set(streamId, Buffer.concat([before, piece]).subarray(0, keptBytesMax));
  }

  #onHeaders(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    const padding = paddingOf(flags, bytes, from, to);
    const start = from + (padding === 0 ? 0 : 1) + ((flags & frameFlags.priority) === 0 ? 0 : 5);
    const end = padding === 0 ? to : to - padding + 1;
    if (start > end) throw new Http2Error("a HEADERS frame is shorter than what stands before its block", errorCodes.frameSizeError);
    if ((flags & frameFlags.endHeaders) !== 0) this.#onBlock(streamId, flags, bytes, start, end);
    else this.#block = { streamId, flags, bytes: Buffer.from(bytes.subarray(start, end)) };
  }

  #onContinuation(flags: number, payload: Buffer): void {
    const block = this.#block;
    if (block === undefined) throw new Http2Error("a CONTINUATION frame continues nothing");
    // Empty frames count too, or they could come for ever.
    if (block.bytes.length + payload.length > blockBytesMax || payload.length === 0) {
      throw new Http2Error("a header block does not end", errorCodes.enhanceYourCalm);
    }
    block.bytes = Buffer.concat([block.bytes, payload]);
    if ((flags & frameFlags.endHeaders) === 0) return;
    this.#block = undefined;
    this.#onBlock(block.streamId, block.flags, block.bytes, 0, block.bytes.length);
  }

  #onBlock(streamId: number, flags: number, bytes: Buffer, from: number, to: number): void {
    if (!this.#isOpen(streamId)) return;
    const place = placeOf(streamId);
    const endsStream = (flags & frameFlags.endStream) !== 0;
    const isFirst = this.#statuses[place] === 0;
    const status = isFirst ? statusOfBlock(bytes, from, to) : undefined;
    if (isFirst && status === undefined) this.#lose(streamId, place, "the answer has no :status");
    else if (status !== undefined && status >= 200) this.#statuses[place] = status;
    // 100 to 199 announce headers that are yet to come, and nothing but trailers comes behind those (RFC 9113 section 8.1).
    else if (endsStream === isFirst) this.#lose(streamId, place, "the answer has headers that are out of place");
    if (endsStream && this.#ids[place] === streamId) this.#finish(streamId, place);
  }

  #onReset(streamId: number, payload: Buffer): void {
    requireLength("RST_STREAM", payload, 4);
    if (!this.#isOpen(streamId)) return;
    const code = payload.readUInt32BE(0);
    const reason = `the API server reset the request: ${errorNameOf(code)}`;
    const tag = this.#release(streamId, placeOf(streamId));
    if (tag === openingTag) this.#end(new Error(reason));
    else if (code === errorCodes.refusedStream) this.#owner.onUnsent(tag, reason);
    else this.#owner.onLost(tag, reason);
  }

  #onSettings(streamId: number, flags: number, payload: Buffer): void {
    if (streamId !== 0) throw new Http2Error("the settings are on a stream");
    if ((flags & frameFlags.ack) !== 0) {
      requireLength("SETTINGS", payload, 0);
      if (!this.#hasSettings) throw new Http2Error("what answers does not speak HTTP/2");
      this.#isAcknowledged = true;
    } else {
      if (payload.length % 6 !== 0) throw new Http2Error("a SETTINGS frame has a wrong length", errorCodes.frameSizeError);
      for (let at = 0; at < payload.length; at += 6) this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
      this.#hasSettings = true;
      this.#add(frameBytes(frameTypes.settings, frameFlags.ack, 0, Buffer.alloc(0)));
      this.#pourSlow();
    }
    // Until the server has acknowledged, its headers may refer to a table that it believes in.
    if (this.#isAcknowledged && this.#nextId === 1) this.#open();
  }

  /** RFC 9113 section 6.5.2. The size of the server's header table does not matter: nothing is put there. */
  #set(parameter: number, value: number): void {
    switch (parameter) {
      case settings.maxConcurrentStreams:
        this.#streamsMax = Math.min(value, streamsMaxMax);
        return;
      case settings.initialWindowSize:
        if (value > windowBytes) throw new Http2Error(`INITIAL_WINDOW_SIZE is ${value}`, errorCodes.flowControlError);
        for (const slow of this.#slow) slow.window += value - this.#initialWindow;
        this.#initialWindow = value;
        return;
      case settings.maxFrameSize:
        if (value < payloadBytesMax || value > 2 ** 24 - 1) throw new Http2Error(`MAX_FRAME_SIZE is ${value}`);
        this.#frameBytesMax = value;
        return;
      default:
    }
  }

  #onPing(streamId: number, flags: number, payload: Buffer): void {
    if (streamId !== 0) throw new Http2Error("a PING is on a stream");
    requireLength("PING", payload, 8);
    if ((flags & frameFlags.ack) === 0) this.#add(frameBytes(frameTypes.ping, frameFlags.ack, 0, payload));
  }

  #onGoAway(streamId: number, payload: Buffer): void {
    if (streamId !== 0) throw new Http2Error("a GOAWAY is on a stream");
    if (payload.length < 8) throw new Http2Error("a GOAWAY frame has a wrong length", errorCodes.frameSizeError);
    const lastId = payload.readUInt32BE(0) & 0x7fffffff;
    const reason = `the API server goes away: ${errorNameOf(payload.readUInt32BE(4))}`;
    this.#fault ??= new Error(reason);
    this.#retire();
    for (const id of this.#openIds()) {
      if (id <= lastId) continue;
      const tag = this.#release(id, placeOf(id));
      if (tag !== openingTag) this.#owner.onUnsent(tag, reason);
    }
  }

  #onWindowUpdate(streamId: number, payload: Buffer): void {
    requireLength("WINDOW_UPDATE", payload, 4);
    const increment = payload.readUInt32BE(0) & 0x7fffffff;
    if (increment === 0) throw new Http2Error("a WINDOW_UPDATE adds nothing");
    if (streamId === 0) {
      this.#window += increment;
      if (this.#window > windowBytes) throw new Http2Error("the connection's window is too big", errorCodes.flowControlError);
    } else if (this.#isOpen(streamId)) {
      const slow = this.#slow.find(({ id }) => id === streamId);
      // A body that is all sent needs no more room.
      if (slow === undefined) return;
      slow.window += increment;
      if (slow.window > windowBytes) throw new Http2Error("a stream's window is too big", errorCodes.flowControlError);
    }
    this.#pourSlow();
  }

  #sendBody(body: SlowBody): void {
    if (!this.#pour(body)) this.#slow.push(body);
  }

  #pourSlow(): void {
    if (this.#slow.length > 0) this.#slow = this.#slow.filter((slow) => !this.#pour(slow));
  }

  /** Sends of a body what the windows allow; whether that was all. */
  #pour(slow: SlowBody): boolean {
    const { id, body } = slow;
    while (slow.at < body.length) {
      const bytes = Math.min(body.length - slow.at, this.#frameBytesMax, this.#window, slow.window);
      if (bytes <= 0) return false;
      const at = this.#reserve(frameHeaderBytes + bytes);
      this.#out.writeUIntBE(bytes, at, 3);
      this.#out[at + 3] = frameTypes.data;
      this.#out[at + 4] = slow.at + bytes === body.length ? frameFlags.endStream : 0;
      this.#out.writeUInt32BE(id, at + 5);
      body.copy(this.#out, at + frameHeaderBytes, slow.at, slow.at + bytes);
      slow.at += bytes;
      slow.window -= bytes;
      this.#window -= bytes;
    }
    return true;
  }

  /** A complete answer; where the request's body was not wanted to its end, nobody waits for the rest. */
  #finish(streamId: number, place: number): void {
    const status = this.#statuses[place] ?? 0;
    const body = this.#kept.get(streamId) ?? nothing;
    const isSending = this.#slow.length > 0 && this.#slow.some(({ id }) => id === streamId);
    const tag = isSending ? this.#reset(streamId, place, errorCodes.cancel) : this.#release(streamId, place);
    if (tag === openingTag) this.#ready.resolve();
    else this.#owner.onAnswer(tag, status, body);
  }

  #lose(streamId: number, place: number, reason: string): void {
    const tag = this.#reset(streamId, place, errorCodes.protocolError);
    if (tag === openingTag) this.#end(new Error(reason));
    else this.#owner.onLost(tag, reason);
  }

  /** Ends a request that the server has not ended. Returns its tag. */
  #reset(streamId: number, place: number, errorCode: number): number {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(errorCode, 0);
    this.#add(frameBytes(frameTypes.rstStream, 0, streamId, payload));
    return this.#release(streamId, place);
  }

  #release(streamId: number, place: number): number {
    this.#ids[place] = 0;
    this.#inFlight--;
    this.#hasFreed = true;
    if (this.#kept.size > 0) this.#kept.delete(streamId);
    if (this.#slow.length > 0) this.#slow = this.#slow.filter(({ id }) => id !== streamId);
    return this.#tags[place] ?? 0;
  }

  /** In the order in which they were opened. */
  #openIds(): number[] {
    return this.#inFlight === 0 ? [] : Array.from(this.#ids.filter((id) => id !== 0)).sort((a, b) => a - b);
  }

  /** After requests may have ended: makes use of the room, lets go what was begun, and ends what has nothing left to do. */
  #settle(): void {
    if (this.#hasFreed) {
      this.#hasFreed = false;
      this.#owner.onRoom();
    }
    this.flush();
    if (this.#isRetired && this.#inFlight === 0) this.#end(this.#fault ?? new Error("its stream ids are used up"));
  }

  /** Where in the output there are so many bytes more. */
  #reserve(bytes: number): number {
    const at = this.#outBytes;
    if (at + bytes > this.#out.length) {
      const bigger = Buffer.allocUnsafeSlow(2 * (at + bytes));
      this.#out.copy(bigger, 0, 0, at);
      this.#out = bigger;
    }
    this.#outBytes = at + bytes;
    return at;
  }

  #add(frame: Buffer): void {
    frame.copy(this.#out, this.#reserve(frame.length));
  }

  readonly #write = (): void => {
    this.#isWriteDue = false;
    if (this.#isOver || this.#outBytes === 0) return;
    const filled = this.#out.subarray(0, this.#outBytes);
    this.#writing.push(this.#out);
    this.#out = this.#spares.pop() ?? Buffer.allocUnsafeSlow(outBytesAtFirst);
    this.#outBytes = 0;
    this.#unwrittenId = this.#nextId;
    this.#socket.write(filled, this.#onWritten);
  };

  readonly #onWritten = (): void => {
    const written = this.#writing.shift();
    if (written !== undefined && written.length <= outBytesKept) this.#spares.push(written);
  };

  #retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#owner.onRetired(this);
  }

  #breakOff(broken: Http2Error): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(broken.errorCode, 4);
    this.#add(frameBytes(frameTypes.goAway, 0, 0, payload));
    this.#write();
    this.#end(new Error(`it breaks HTTP/2: ${broken.message}`));
  }

  /** Tells of all requests that are left, and closes. */
  #end(fault: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#retire();
    const reason = noAnswer(this.#api.url, fault).message;
    for (const id of this.#openIds()) {
      const tag = this.#release(id, placeOf(id));
      if (tag === openingTag) continue;
      if (id >= this.#unwrittenId) this.#owner.onUnsent(tag, reason);
      else this.#owner.onLost(tag, reason);
    }
    this.#ready.reject(fault);
    this.#socket.destroySoon();
  }
}

function placeOf(streamId: number): number {
  return (streamId >>> 1) & placesMask;
}

/** How many bytes of a frame are padding, with the one that says how many; 0 where there is none (RFC 9113 section 6.1). */
function paddingOf(flags: number, bytes: Buffer, from: number, to: number): number {
  if ((flags & frameFlags.padded) === 0) return 0;
  const padding = 1 + (from < to ? (bytes[from] ?? 0) : 0);
  if (from + padding > to) throw new Http2Error("the padding of a frame is longer than the frame");
  return padding;
}

function requireLength(name: string, payload: Buffer, wanted: number): void {
  if (payload.length !== wanted) throw new Http2Error(`a ${name} frame has a wrong length`, errorCodes.frameSizeError);
}
