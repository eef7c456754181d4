import type { Writable } from "node:stream";
import { type AnswerHeaders, AnswerHeadersReader } from "./answer-headers-reader.ts";
import { ConnectionError, http2ErrorCodes } from "./connection-error.ts";
import {
  clientPreface,
  errorCodes,
  errorNameOf,
  frameBytes,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  Http2Error,
  headerTableSizeSetting,
  payloadBytesMax,
  settings,
  settingsBytes,
  windowUpdateBytes,
} from "./frames.ts";
import { grpcCodeOfReset } from "./grpc.ts";
import type { RequestHeaders } from "./request-headers.ts";

/** gRPC status codes that a client gives to calls that got none. */
const grpcCodes = { unknown: 2, deadlineExceeded: 4, resourceExhausted: 8, internal: 13, unavailable: 14 } as const;

/** The requests of a load as bytes, known by a number. */
export interface EncodedRequests {
  /** The gRPC messages with their five-byte prefixes, one behind the other, nine bytes before each for the header of a DATA frame. */
  readonly bytes: Buffer;
  /** Where in `bytes` the nine bytes of each begin; one more says where the last one ends. */
  readonly offsets: Uint32Array;
  /** The number of each one's path in {@link RequestHeaders}. */
  readonly routes: Uint8Array;
}

/** Who has calls on a connection. `tag` is what it gave to {@link ClientConnection.open}. Nothing is told from inside `open` and `flush`, but for {@link onRetired}. */
export interface CallOwner {
  /** The message of an answer is complete; the bytes are there only now. */
  onMessage(tag: number, bytes: Buffer, from: number, to: number): void;
  /** A call is over; `failure` is undefined exactly where it was answered with OK. Told once for each call, unless {@link onUnsent} was. */
  onEnd(tag: number, grpcCode: number, failure: string | undefined): void;
  /** The server certainly did nothing for the call: it may be opened again, elsewhere or here. */
  onUnsent(tag: number, deadlineMs: number, reason: string): void;
  /** There is room again after a call that was refused, and for the first call of all. */
  onRoom(): void;
  /** The connection takes no more calls. Those that it has are still told. Told once. */
  onRetired(reason: string): void;
  /** It is gone, and has told of the last of its calls. Told once. */
  onClosed(reason: string): void;
}

export interface ClientConnectionOptions {
  /** Connected or about to be; what it reads is handed to {@link ClientConnection.read}. */
  readonly socket: Writable;
  /** This connection's own. */
  readonly headers: RequestHeaders;
  readonly requests: EncodedRequests;
  readonly owner: CallOwner;
  /** An odd number; 1 by default. A high one shows in a test what happens when the ids run out. */
  readonly firstStreamId?: number;
}

/** gRPC's own limit of a message (grpc-go, `defaultClientMaxReceiveMessageSize`), and the prefix before each. */
const messageBytesMax = 4 * 1024 * 1024;
const prefixBytes = 5;
/** Of a HEADERS frame, before its block (RFC 9113 section 6.2). */
const priorityBytes = 5;
/** More than the longest message, so that no stream ever needs a WINDOW_UPDATE. */
const streamWindowBytes = 16 * 1024 * 1024;
const connectionWindowBytes = 2 ** 30;
/** How much of it is used before it is opened again. */
const acknowledgeBytes = 16 * 1024 * 1024;
/** Every connection and every stream begins with it (RFC 9113 section 6.9.2). */
const windowBytesDefault = 65_535;
const windowBytesMax = 2 ** 31 - 1;
const streamIdMax = 2 ** 31 - 1;
const frameBytesMaxMax = 2 ** 24 - 1;
/** What a header block may have in all its frames, and what is announced as its size uncompressed. */
const headerBlockBytesMax = 64 * 1024;
const placesAtFirst = 1024;
/** A server that answers newer calls and lets an old one hang keeps this many places. */
const placesMax = 1 << 20;
const outBytesAtFirst = 64 * 1024;
/** What may wait for a server that does not read: requests wait elsewhere then, and a flood that wants to be acknowledged ends the connection. */
const outBytesMax = 16 * 1024 * 1024;

/** What is known of a call, in bits. */
const callStates = { seenHeaders: 1, seenMessage: 2, isGathering: 4, isSending: 8 } as const;
/** Of a call that lacks nothing but its trailers. */
const isAnswered = callStates.seenHeaders | callStates.seenMessage;

/** A request that does not go out at once, for want of a window or because it is longer than a frame. */
interface SlowRequest {
  readonly streamId: number;
  /** Where it goes on, and ends, in the requests' bytes. */
  at: number;
  readonly end: number;
  /** What the server has opened beyond the initial window, less what was sent. */
  extraWindow: number;
}

/** The message of an answer that comes in pieces, with its prefix. */
interface Gathering {
  readonly pieces: Buffer[];
  bytes: number;
}

/** A header block that goes on in CONTINUATION frames. */
interface OpenBlock {
  readonly streamId: number;
  readonly flags: number;
  readonly pieces: Buffer[];
  /** With what its frames themselves take, so that empty ones count too. */
  bytes: number;
}

/**
 * One HTTP/2 connection for unary gRPC calls by the hundred thousand a second: it copies requests that were encoded beforehand, keeps calls in typed arrays,
 * reads answers where they lie, and writes once a turn. What a load meets all the time has a path of its own; whatever else RFC 9113 lets a server do is
 * handled too, and what it forbids ends the call or the connection with a sentence.
 */
export class ClientConnection {
  readonly #socket: Writable;
  readonly #headers: RequestHeaders;
  readonly #requests: EncodedRequests;
  readonly #owner: CallOwner;
  readonly #answers = new AnswerHeadersReader();

  // Calls by place: half their stream id, modulo the number of places. A free place has the id 0.
  #mask = placesAtFirst - 1;
  #ids = new Int32Array(placesAtFirst);
  #tags = new Int32Array(placesAtFirst);
  #states = new Uint8Array(placesAtFirst);
  #deadlinesMs = new Float64Array(placesAtFirst);
  #active = 0;
  #nextId: number;
  /** Calls up to this id may have been given up on this side, so what still comes for them is no fault of the server's. */
  #cancelledId = 0;

  // What the server allows.
  #streamsMax = Number.POSITIVE_INFINITY;
  #window = windowBytesDefault;
  #initialWindow = windowBytesDefault;
  #slow: SlowRequest[] = [];
  /** Somebody waits to be told of room. */
  #isStarved = true;

  // What comes in.
  readonly #carry = Buffer.allocUnsafeSlow(frameHeaderBytes + payloadBytesMax);
  #carried = 0;
  /** Bytes of DATA since the last WINDOW_UPDATE. */
  #received = 0;
  #hasSettings = false;
  /** By stream id. */
  #gathered = new Map<number, Gathering>();
  #block: OpenBlock | undefined;

  // What goes out.
  #out: Buffer = Buffer.allocUnsafeSlow(outBytesAtFirst);
  #outBytes = 0;
  /** Not touched until it is written. */
  #writing: Buffer | undefined;
  #spare: Buffer | undefined;
  #isReading = false;
  /** Calls from this id on lie in `#out`, and the server has not seen them. */
  #unwrittenId: number;

  #retiredBecause: string | undefined;
  #endReason: string | undefined;
  #isOver = false;

  constructor({ socket, headers, requests, owner, firstStreamId = 1 }: ClientConnectionOptions) {
    this.#socket = socket;
    this.#headers = headers;
    this.#requests = requests;
    this.#owner = owner;
    this.#nextId = firstStreamId;
    this.#unwrittenId = firstStreamId;
    socket.on("error", (error) => {
      this.#endReason ??= error.message;
    });
    socket.on("close", () => this.#end(grpcCodes.unavailable, this.#endReason ?? "the server closed the connection"));
    this.#add(clientPreface);
    this.#add(
      settingsBytes([
        [settings.enablePush, 0],
        [settings.initialWindowSize, streamWindowBytes],
        [settings.maxHeaderListSize, headerBlockBytesMax],
      ]),
    );
    this.#add(windowUpdateBytes(0, connectionWindowBytes - windowBytesDefault));
    this.flush();
  }

  /** From the server's settings on, until the connection retires. */
  get isReady(): boolean {
    return this.#hasSettings && this.#retiredBecause === undefined;
  }

  /**
   * Begins a call; it goes out with the next {@link flush}. False where there is no room for it: {@link CallOwner.onRoom} tells when there is.
   * @param tag - what the owner knows it by.
   * @param request - the number of its request.
   * @param deadlineMs - on whatever clock {@link expire} is given.
   */
  open(tag: number, request: number, deadlineMs: number): boolean {
    if (!this.#hasRoom()) {
      this.#isStarved = true;
      return false;
    }
    const id = this.#nextId;
    const place = (id >>> 1) & this.#mask;
    this.#ids[place] = id;
    this.#tags[place] = tag;
    this.#states[place] = 0;
    this.#deadlinesMs[place] = deadlineMs;
    this.#active++;
    this.#nextId = id + 2;
    const head = this.#headers.next(this.#requests.routes[request] ?? 0);
    const from = this.#requests.offsets[request] ?? 0;
    const to = this.#requests.offsets[request + 1] ?? 0;
    const at = this.#reserve(head.length + to - from);
    head.copy(this.#out, at);
    this.#out.writeUInt32BE(id, at + 5);
    this.#outBytes = at + head.length;
    const bodyBytes = to - from - frameHeaderBytes;
    if (bodyBytes <= payloadBytesMax && bodyBytes <= this.#window && bodyBytes <= this.#initialWindow) {
      this.#requests.bytes.copy(this.#out, this.#outBytes, from, to);
      this.#out.writeUInt32BE(id, this.#outBytes + 5);
      this.#outBytes += to - from;
      this.#window -= bodyBytes;
    } else {
      this.#states[place] = callStates.isSending;
      this.#slow.push({ streamId: id, at: from + frameHeaderBytes, end: to, extraWindow: 0 });
      this.#sendSlow();
    }
    if (this.#nextId > streamIdMax) this.#retire("its stream ids are used up");
    return true;
  }

  /** Writes what was begun; while {@link read} is at work, at its end. */
  flush(): void {
    if (this.#isReading || this.#writing !== undefined || this.#outBytes === 0 || this.#isOver) return;
    const whole = this.#out;
    const written = whole.subarray(0, this.#outBytes);
    this.#writing = whole;
    this.#out = this.#spare ?? Buffer.allocUnsafeSlow(outBytesAtFirst);
    this.#spare = undefined;
    this.#outBytes = 0;
    this.#unwrittenId = this.#nextId;
    this.#socket.write(written, this.#onWritten);
  }

  /** Takes what the socket has read: the first `bytes` of `chunk`, which may be used again afterwards. */
  read(bytes: number, chunk: Buffer): void {
    if (this.#isOver) return;
    this.#isReading = true;
    try {
      this.#split(chunk, bytes);
      if (this.#received >= acknowledgeBytes) {
        this.#add(windowUpdateBytes(0, this.#received));
        this.#received = 0;
      }
      this.#tellRoom();
    } catch (thrown) {
      if (!(thrown instanceof Http2Error)) throw thrown;
      this.#breakOff(thrown);
    } finally {
      this.#isReading = false;
    }
    this.flush();
    this.#closeIfDone();
  }

  /** Gives up the calls whose deadline has come: they end as DeadlineExceeded, as a gRPC client's do. */
  expire(nowMs: number): void {
    for (const id of this.#openIds()) {
      const place = (id >>> 1) & this.#mask;
      if ((this.#deadlinesMs[place] ?? 0) > nowMs) continue;
      this.#giveUp(id, place, grpcCodes.deadlineExceeded, "no answer before the deadline");
    }
    this.#tellRoom();
    this.flush();
    this.#closeIfDone();
  }

  /** Gives up all calls: they end with status 0. */
  abort(reason: string): void {
    for (const id of this.#openIds()) this.#giveUp(id, (id >>> 1) & this.#mask, 0, reason);
    this.flush();
    this.#closeIfDone();
  }

  /** Takes leave of the server and closes; calls that are open end as Unavailable. */
  close(reason: string): void {
    if (this.#isOver) return;
    this.#goAway(http2ErrorCodes.noError);
    this.flush();
    this.#end(grpcCodes.unavailable, reason);
  }

  readonly #onWritten = (): void => {
    this.#spare = this.#writing;
    this.#writing = undefined;
    this.flush();
    if (!this.#isReading) this.#tellRoom();
  };

  #hasRoom(): boolean {
    if (!this.#hasSettings || this.#retiredBecause !== undefined) return false;
    if (this.#active >= this.#streamsMax || this.#window <= 0 || this.#outBytes >= outBytesMax) return false;
    // A call that hangs since one round of the places ago is in the way.
    while (this.#ids[(this.#nextId >>> 1) & this.#mask] !== 0) {
      if (this.#mask + 1 >= placesMax) return false;
      this.#addPlaces();
    }
    return true;
  }

  #addPlaces(): void {
    const [ids, tags, states, deadlinesMs] = [this.#ids, this.#tags, this.#states, this.#deadlinesMs];
    const places = 2 * ids.length;
    this.#mask = places - 1;
    this.#ids = new Int32Array(places);
    this.#tags = new Int32Array(places);
    this.#states = new Uint8Array(places);
    this.#deadlinesMs = new Float64Array(places);
    for (const [from, id] of ids.entries()) {
      const to = (id >>> 1) & this.#mask;
      if (id === 0) continue;
      this.#ids[to] = id;
      this.#tags[to] = tags[from] ?? 0;
      this.#states[to] = states[from] ?? 0;
      this.#deadlinesMs[to] = deadlinesMs[from] ?? 0;
    }
  }

  #tellRoom(): void {
    if (!this.#isStarved || !this.#hasRoom()) return;
    this.#isStarved = false;
    this.#owner.onRoom();
  }

  /** In the order in which they were opened. */
  #openIds(): number[] {
    return this.#active === 0 ? [] : Array.from(this.#ids.filter((id) => id !== 0)).sort((a, b) => a - b);
  }

  /** Where in `#out` there are so many bytes free. */
  #reserve(bytes: number): number {
    const at = this.#outBytes;
    if (at + bytes > this.#out.length) {
      const bigger = Buffer.allocUnsafeSlow(2 * (at + bytes));
      this.#out.copy(bigger, 0, 0, at);
      this.#out = bigger;
    }
    return at;
  }

  #add(frame: Buffer): void {
    if (this.#outBytes >= outBytesMax) throw breach("the server does not read what it asks for", http2ErrorCodes.enhanceYourCalm);
    const at = this.#reserve(frame.length);
    frame.copy(this.#out, at);
    this.#outBytes = at + frame.length;
  }

  /** Sends as much of the slow requests as the windows allow, the oldest first. */
  #sendSlow(): void {
    for (const request of this.#slow) {
      while (request.at < request.end) {
        const bytes = Math.min(request.end - request.at, payloadBytesMax, this.#window, this.#initialWindow + request.extraWindow);
        if (bytes <= 0) break;
        const isLast = request.at + bytes === request.end;
        const payload = this.#requests.bytes.subarray(request.at, request.at + bytes);
        this.#add(frameBytes(frameTypes.data, isLast ? frameFlags.endStream : 0, request.streamId, payload));
        request.at += bytes;
        request.extraWindow -= bytes;
        this.#window -= bytes;
      }
      if (request.at === request.end) this.#clearState(request.streamId, callStates.isSending);
    }
    this.#slow = this.#slow.filter((request) => request.at < request.end);
  }

  #clearState(id: number, state: number): void {
    const place = (id >>> 1) & this.#mask;
    this.#states[place] = (this.#states[place] ?? 0) & ~state;
  }

  /** Cuts what was read into frames, in place; only a frame that comes in several reads is copied together. */
  #split(chunk: Buffer, end: number): void {
    let at = this.#carried === 0 ? 0 : this.#completeCarried(chunk, end);
    at = this.#frames(chunk, at, end);
    if (at === end) return;
    chunk.copy(this.#carry, this.#carried, at, end);
    this.#carried += end - at;
  }

  /** Returns how much of the chunk belongs to the frame that was begun before. */
  #completeCarried(chunk: Buffer, end: number): number {
    let at = 0;
    const take = (wanted: number): boolean => {
      const bytes = Math.min(wanted - this.#carried, end - at);
      chunk.copy(this.#carry, this.#carried, at, at + bytes);
      this.#carried += bytes;
      at += bytes;
      return this.#carried === wanted;
    };
    if (this.#carried < frameHeaderBytes && !take(frameHeaderBytes)) return at;
    if (!take(frameHeaderBytes + this.#lengthAt(this.#carry, 0))) return at;
    const whole = this.#carried;
    this.#carried = 0;
    this.#frames(this.#carry, 0, whole);
    return at;
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at) >>> 8;
    if (length <= payloadBytesMax) return length;
    if (!this.#hasSettings) throw breach("what answers does not speak HTTP/2");
    throw breach(`a frame of the server has ${length} bytes`, http2ErrorCodes.frameSizeError);
  }

  /** Returns where the first frame begins that is not whole. */
  #frames(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (end - at >= frameHeaderBytes) {
      const payloadAt = at + frameHeaderBytes;
      const next = payloadAt + this.#lengthAt(bytes, at);
      if (next > end) break;
      this.#frame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5) & 0x7fffffff, bytes, payloadAt, next);
      if (this.#isOver) return end;
      at = next;
    }
    return at;
  }

  #frame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (!this.#hasSettings && type !== frameTypes.settings) throw breach("what answers does not speak HTTP/2");
    if (this.#block !== undefined && (type !== frameTypes.continuation || streamId !== this.#block.streamId)) {
      throw breach("a frame stands within a header block");
    }
    switch (type) {
      case frameTypes.data:
        this.#onData(flags, streamId, bytes, from, to);
        break;
      case frameTypes.headers:
        this.#onHeaders(flags, streamId, bytes, from, to);
        break;
      case frameTypes.continuation:
        this.#onContinuation(flags, bytes, from, to);
        break;
      case frameTypes.rstStream:
        this.#onReset(streamId, bytes, from, to);
        break;
      case frameTypes.settings:
        this.#onSettings(flags, streamId, bytes, from, to);
        break;
      case frameTypes.ping:
        this.#onPing(flags, streamId, bytes, from, to);
        break;
      case frameTypes.goAway:
        this.#onGoAway(streamId, bytes, from, to);
        break;
      case frameTypes.windowUpdate:
        this.#onWindowUpdate(streamId, bytes, from, to);
        break;
      case frameTypes.pushPromise:
        throw breach("the server pushes, which it was told not to");
      // Advice, deprecated, and never a server's to give.
      case frameTypes.priority:
        break;
      default:
      // What extensions have is to be ignored (RFC 9113 section 5.5).
    }
  }

  /** The place of the stream's call; -1 where that was given up on this side. */
  #placeOf(streamId: number): number {
    const place = (streamId >>> 1) & this.#mask;
    if (streamId !== 0 && this.#ids[place] === streamId) return place;
    this.#requireOpened(streamId);
    if (streamId <= this.#cancelledId) return -1;
    throw breach("the server goes on with a stream that it has ended", http2ErrorCodes.streamClosed);
  }

  #requireOpened(streamId: number): void {
    if ((streamId & 1) === 0 || streamId >= this.#nextId) throw breach("a frame of the server is on a stream that nobody opened");
  }

  #onData(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    this.#received += to - from;
    const isPadded = (flags & frameFlags.padded) !== 0;
    const start = isPadded ? from + 1 : from;
    const end = isPadded ? to - paddingOf(bytes, from, to) : to;
    const place = this.#placeOf(streamId);
    if (place === -1) return;
    const state = this.#states[place] ?? 0;
    if ((state & callStates.seenHeaders) === 0) {
      this.#giveUp(streamId, place, grpcCodes.internal, "the answer begins without headers");
      return;
    }
    const isWhole =
      (state & ~callStates.isSending) === callStates.seenHeaders &&
      end - start >= prefixBytes &&
      bytes[start] === 0 &&
      bytes.readUInt32BE(start + 1) === end - start - prefixBytes;
    if (isWhole) {
      this.#states[place] = state | callStates.seenMessage;
      this.#owner.onMessage(this.#tags[place] ?? 0, bytes, start + prefixBytes, end);
    } else if (end > start && !this.#gather(streamId, place, bytes.subarray(start, end))) {
      return;
    }
    if ((flags & frameFlags.endStream) !== 0) this.#finish(streamId, place, grpcCodes.internal, "the answer ends without a status");
  }

  /** Keeps a piece of a message; false where the call was given up for it. */
  #gather(streamId: number, place: number, piece: Buffer): boolean {
    const state = this.#states[place] ?? 0;
    if ((state & callStates.seenMessage) !== 0) {
      this.#giveUp(streamId, place, grpcCodes.internal, "the answer has a second message");
      return false;
    }
    const gathering = this.#gathered.get(streamId) ?? { pieces: [], bytes: 0 };
    gathering.pieces.push(Buffer.from(piece));
    gathering.bytes += piece.length;
    this.#gathered.set(streamId, gathering);
    this.#states[place] = state | callStates.isGathering;
    if (gathering.bytes < prefixBytes) return true;
    const [start = piece] = gathering.pieces;
    if (start.length < prefixBytes) gathering.pieces.splice(0, gathering.pieces.length, Buffer.concat(gathering.pieces));
    const [prefix = piece] = gathering.pieces;
    const wanted = prefixBytes + prefix.readUInt32BE(1);
    const fault =
      prefix[0] !== 0
        ? { code: grpcCodes.internal, text: "the answer is compressed, though no compression was offered" }
        : wanted > prefixBytes + messageBytesMax
          ? { code: grpcCodes.resourceExhausted, text: `the answer's message has ${wanted - prefixBytes} bytes` }
          : gathering.bytes > wanted
            ? { code: grpcCodes.internal, text: "the answer has more than its message" }
            : undefined;
    if (fault !== undefined) {
      this.#giveUp(streamId, place, fault.code, fault.text);
      return false;
    }
    if (gathering.bytes === wanted) {
      const whole = Buffer.concat(gathering.pieces);
      this.#gathered.delete(streamId);
      this.#states[place] = (state & ~callStates.isGathering) | callStates.seenMessage;
      this.#owner.onMessage(this.#tags[place] ?? 0, whole, prefixBytes, whole.length);
    }
    return true;
  }

  #onHeaders(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    const isPadded = (flags & frameFlags.padded) !== 0;
    const end = isPadded ? to - paddingOf(bytes, from, to) : to;
    const start = from + (isPadded ? 1 : 0) + ((flags & frameFlags.priority) === 0 ? 0 : priorityBytes);
    if (start > end) throw breach("a HEADERS frame is shorter than its priority", http2ErrorCodes.frameSizeError);
    if ((flags & frameFlags.endHeaders) !== 0) {
      this.#onBlock(flags, streamId, bytes, start, end);
    } else {
      this.#block = { streamId, flags, pieces: [], bytes: 0 };
      this.#addToBlock(this.#block, bytes, start, end);
    }
  }

  #onContinuation(flags: number, bytes: Buffer, from: number, to: number): void {
    const block = this.#block;
    if (block === undefined) throw breach("a CONTINUATION frame continues nothing");
    this.#addToBlock(block, bytes, from, to);
    if ((flags & frameFlags.endHeaders) === 0) return;
    this.#block = undefined;
    const whole = Buffer.concat(block.pieces);
    this.#onBlock(block.flags, block.streamId, whole, 0, whole.length);
  }

  #addToBlock(block: OpenBlock, bytes: Buffer, from: number, to: number): void {
    block.pieces.push(Buffer.from(bytes.subarray(from, to)));
    block.bytes += frameHeaderBytes + to - from;
    if (block.bytes > headerBlockBytesMax) throw breach("a header block of the server does not end", http2ErrorCodes.enhanceYourCalm);
  }

  #onBlock(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    // Whatever the stream: the table has to stay in step.
    const answer = this.#answers.read(bytes, from, to);
    const place = this.#placeOf(streamId);
    if (place === -1) return;
    const state = this.#states[place] ?? 0;
    if ((flags & frameFlags.endStream) === 0) {
      this.#onBeginning(streamId, place, answer);
    } else if (state === isAnswered && answer.grpcCode === 0 && answer.httpStatus === undefined) {
      this.#free(streamId, place);
      this.#owner.onEnd(this.#tags[place] ?? 0, 0, undefined);
    } else {
      const { code, text } = failureOf(answer, state);
      this.#finish(streamId, place, code, text);
    }
  }

  /** Headers behind which something has to follow. */
  #onBeginning(streamId: number, place: number, { httpStatus, notGrpc }: AnswerHeaders): void {
    const state = this.#states[place] ?? 0;
    if ((state & callStates.seenHeaders) !== 0) {
      this.#giveUp(streamId, place, grpcCodes.internal, "the answer has headers that neither begin nor end it");
    } else if (httpStatus !== undefined && /^1\d\d$/.test(httpStatus)) {
      // It announces headers that are yet to come (RFC 9113 section 8.1).
    } else if (notGrpc !== undefined) {
      this.#giveUp(streamId, place, notGrpc.code, notGrpc.text);
    } else {
      this.#states[place] = state | callStates.seenHeaders;
    }
  }

  #onReset(streamId: number, bytes: Buffer, from: number, to: number): void {
    requireLength("RST_STREAM", from, to, 4);
    const place = (streamId >>> 1) & this.#mask;
    this.#requireOpened(streamId);
    // One that has ended may be reset still, as when the server did not want to read all of the request.
    if (this.#ids[place] !== streamId) return;
    const errorCode = bytes.readUInt32BE(from);
    const state = this.#states[place] ?? 0;
    const text = `the server reset the call: ${errorNameOf(errorCode)}`;
    if (errorCode === errorCodes.refusedStream && (state & isAnswered) === 0) this.#giveBack(streamId, place, text);
    else this.#finish(streamId, place, grpcCodeOfReset(bytes.subarray(from, to)), text);
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (streamId !== 0) throw breach("the settings are on a stream");
    if ((flags & frameFlags.ack) !== 0) {
      if (!this.#hasSettings) throw breach("what answers does not speak HTTP/2");
      requireLength("SETTINGS", from, to, 0);
      return;
    }
    if ((to - from) % 6 !== 0) throw breach("a SETTINGS frame has a wrong length", http2ErrorCodes.frameSizeError);
    for (let at = from; at < to; at += 6) this.#set(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
    this.#hasSettings = true;
    this.#add(frameBytes(frameTypes.settings, frameFlags.ack, 0, nothing));
    this.#sendSlow();
  }

  /** RFC 9113 section 6.5.2. */
  #set(parameter: number, value: number): void {
    const require = (name: string, isAllowed: boolean, errorCode: number = http2ErrorCodes.protocolError) => {
      if (!isAllowed) throw breach(`the server sets ${name} to ${value}`, errorCode);
    };
    switch (parameter) {
      case headerTableSizeSetting:
        this.#headers.resizeTable(value);
        break;
      case settings.enablePush:
        require("ENABLE_PUSH", value === 0);
        break;
      case settings.maxConcurrentStreams:
        this.#streamsMax = value;
        break;
      case settings.initialWindowSize: {
        const extraMax = this.#slow.reduce((max, { extraWindow }) => Math.max(max, extraWindow), 0);
        require("INITIAL_WINDOW_SIZE", value + extraMax <= windowBytesMax, http2ErrorCodes.flowControlError);
        this.#initialWindow = value;
        break;
      }
      case settings.maxFrameSize:
        require("MAX_FRAME_SIZE", value >= payloadBytesMax && value <= frameBytesMaxMax);
        break;
      case settings.maxHeaderListSize:
        require("MAX_HEADER_LIST_SIZE", value >= this.#headers.listBytesMax);
        break;
      default:
      // One that is not known here is to be ignored.
    }
  }

  #onPing(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    if (streamId !== 0) throw breach("a PING is on a stream");
    requireLength("PING", from, to, 8);
    if ((flags & frameFlags.ack) === 0) this.#add(frameBytes(frameTypes.ping, frameFlags.ack, 0, bytes.subarray(from, to)));
  }

  #onGoAway(streamId: number, bytes: Buffer, from: number, to: number): void {
    if (streamId !== 0) throw breach("a GOAWAY is on a stream");
    if (to - from < 8) throw breach("a GOAWAY frame has a wrong length", http2ErrorCodes.frameSizeError);
    const lastId = bytes.readUInt32BE(from) & 0x7fffffff;
    const said = bytes.toString("latin1", from + 8, Math.min(to, from + 8 + 60)).replaceAll(/[^ -~]/g, "?");
    const reason = `the server sent GOAWAY: ${errorNameOf(bytes.readUInt32BE(from + 4))}${said === "" ? "" : ` (${said})`}`;
    this.#endReason ??= reason;
    this.#retire(reason);
    for (const id of this.#openIds()) if (id > lastId) this.#giveBack(id, (id >>> 1) & this.#mask, reason);
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, from: number, to: number): void {
    requireLength("WINDOW_UPDATE", from, to, 4);
    const increment = bytes.readUInt32BE(from) & 0x7fffffff;
    if (increment === 0) throw breach("a WINDOW_UPDATE adds nothing");
    if (streamId === 0) {
      this.#window += increment;
      if (this.#window > windowBytesMax) throw breach("the connection's window is too big", http2ErrorCodes.flowControlError);
    } else {
      this.#requireOpened(streamId);
      const request = this.#slow.find((each) => each.streamId === streamId);
      if (request === undefined) return;
      request.extraWindow += increment;
      if (this.#initialWindow + request.extraWindow > windowBytesMax) {
        throw breach("a stream's window is too big", http2ErrorCodes.flowControlError);
      }
    }
    if (this.#slow.length > 0) this.#sendSlow();
  }

  /** Ends a call that the server has not ended. */
  #giveUp(streamId: number, place: number, code: number, text: string): void {
    const tag = this.#tags[place] ?? 0;
    this.#cancel(streamId, place);
    this.#owner.onEnd(tag, code, text);
  }

  /** Ends a call that the server has ended. */
  #finish(streamId: number, place: number, code: number, text: string | undefined): void {
    const tag = this.#tags[place] ?? 0;
    // Nobody reads the rest of its request.
    if (((this.#states[place] ?? 0) & callStates.isSending) !== 0) this.#cancel(streamId, place);
    else this.#free(streamId, place);
    this.#owner.onEnd(tag, code, text);
  }

  /** The server did nothing for the call, and will not. */
  #giveBack(streamId: number, place: number, reason: string): void {
    const tag = this.#tags[place] ?? 0;
    const deadlineMs = this.#deadlinesMs[place] ?? 0;
    this.#cancelledId = Math.max(this.#cancelledId, streamId);
    this.#free(streamId, place);
    this.#owner.onUnsent(tag, deadlineMs, reason);
  }

  #cancel(streamId: number, place: number): void {
    this.#cancelledId = Math.max(this.#cancelledId, streamId);
    this.#free(streamId, place);
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(errorCodes.cancel, 0);
    const reset = frameBytes(frameTypes.rstStream, 0, streamId, payload);
    reset.copy(this.#out, this.#reserve(reset.length));
    this.#outBytes += reset.length;
  }

  #free(streamId: number, place: number): void {
    const state = this.#states[place] ?? 0;
    this.#ids[place] = 0;
    this.#active--;
    if ((state & callStates.isGathering) !== 0) this.#gathered.delete(streamId);
    if ((state & callStates.isSending) !== 0) this.#slow = this.#slow.filter((request) => request.streamId !== streamId);
  }

  #retire(reason: string): void {
    if (this.#retiredBecause !== undefined) return;
    this.#retiredBecause = reason;
    this.#owner.onRetired(reason);
  }

  #closeIfDone(): void {
    if (this.#retiredBecause === undefined || this.#active > 0 || this.#isOver) return;
    this.#end(grpcCodes.unavailable, this.#retiredBecause);
  }

  #breakOff(fault: Http2Error): void {
    this.#isReading = false;
    // A header block that cannot be decoded is the only other fault.
    this.#goAway(fault instanceof ConnectionError ? fault.errorCode : http2ErrorCodes.compressionError);
    this.flush();
    this.#end(grpcCodes.internal, `the server breaks HTTP/2: ${fault.message}`);
  }

  #goAway(errorCode: number): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(errorCode, 4);
    const frame = frameBytes(frameTypes.goAway, 0, 0, payload);
    frame.copy(this.#out, this.#reserve(frame.length));
    this.#outBytes += frame.length;
  }

  /** Ends the calls that are left, and the connection. */
  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#retire(reason);
    for (const id of this.#openIds()) {
      const place = (id >>> 1) & this.#mask;
      if (id >= this.#unwrittenId) this.#giveBack(id, place, reason);
      else this.#finish(id, place, code, reason);
    }
    // What was written last is the reason why.
    this.#socket.end(() => this.#socket.destroy());
    this.#owner.onClosed(reason);
  }
}

const nothing = Buffer.alloc(0);

function breach(message: string, errorCode: number = http2ErrorCodes.protocolError): ConnectionError {
  return new ConnectionError(errorCode, message);
}

/** How many bytes of padding end a padded frame (RFC 9113 section 6.1). */
function paddingOf(bytes: Buffer, from: number, to: number): number {
  const padding = from < to ? (bytes[from] ?? 0) : 0;
  if (from + 1 + padding > to) throw breach("the padding of a frame is longer than the frame");
  return padding;
}

function requireLength(name: string, from: number, to: number, wanted: number): void {
  if (to - from !== wanted) throw breach(`a ${name} frame has a wrong length`, http2ErrorCodes.frameSizeError);
}

/** What trailers say that do not simply end a good answer; `state` is what came before them. */
function failureOf(answer: AnswerHeaders, state: number): { readonly code: number; readonly text: string | undefined } {
  const isFirst = (state & callStates.seenHeaders) === 0;
  if (answer.failure !== undefined) return answer.failure;
  if (isFirst && answer.notGrpc !== undefined) return answer.notGrpc;
  if (!isFirst && answer.httpStatus !== undefined) return { code: grpcCodes.internal, text: "the answer's trailers have a :status" };
  if (answer.grpcCode === undefined) return { code: grpcCodes.unknown, text: "the answer's trailers have no grpc-status" };
  if ((state & callStates.isGathering) !== 0) return { code: grpcCodes.internal, text: "the answer's message is cut short" };
  return (state & callStates.seenMessage) === 0
    ? { code: grpcCodes.internal, text: "the answer is OK and has no message" }
    : { code: 0, text: undefined };
}
