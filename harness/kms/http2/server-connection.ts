import type { Socket } from "node:net";
import type { Clock } from "../../clock.ts";
import { AnswerHeaders } from "./answer-headers.ts";
import { FloodGuard } from "./flood-guard.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { errorCodes, frameFlags, frameTypes, Http2Error, headerTableSizeSetting, payloadBytesMax, settings } from "./frames.ts";
import { trailersOnly } from "./grpc.ts";
import { encodeLiterals, type Header, HpackDecoder } from "./hpack.ts";
import { areTrailers, headerListBytesMax, type MalformedHead, type RefusedHead, type RequestHead, requestHeadOf } from "./request-head.ts";

/** One call of a unary method, its request complete. It is answered or failed once; what comes after the caller went away goes nowhere. */
export interface UnaryCall {
  /** The request without gRPC's prefix. Nobody writes into it, now or later. */
  readonly message: Buffer;
  /** What `grpc-timeout` says, milliseconds with fractions, counted from now; undefined where the caller waits without end. */
  readonly timeoutMs: number | undefined;
  /** Called once when the caller goes away before it has its answer. */
  onCancel: (() => void) | undefined;
  /** @param message - may be written into again when this returns. */
  answer(message: Uint8Array): void;
  /**
   * @param grpcCode - other than 0.
   * @param text - the caller sees it; what exceeds 4096 characters is cut off.
   */
  fail(grpcCode: number, text: string): void;
}

/** Answers a call, now or later; must not throw. */
export type UnaryMethod = (call: UnaryCall) => void;

export interface ServerConnectionOptions {
  /** By full path, `/package.Service/Method`. */
  readonly methods: ReadonlyMap<string, UnaryMethod>;
  readonly clock: Clock;
}

/** A stream that is not over may be this often there at once; calls that the caller gave up count until their method has ended. */
export const concurrentCallsMax = 1000;
/** gRPC's own default. */
export const messageBytesMax = 4 * 1024 * 1024;
/** Of requests that are not complete, all calls of a connection together. */
const pendingBytesMax = 16 * 1024 * 1024;
const textCharactersMax = 4096;

const streamWindowBytes = 256 * 1024;
const connectionWindowBytes = 1024 * 1024;
/** What both sides begin with (RFC 9113 section 6.9.2), and what no window exceeds (section 6.9.1). */
const defaultWindowBytes = 65_535;
const windowBytesMax = 0x7fffffff;

/** Header blocks are decoded when they are whole; this is what one may have before. */
const blockBytesMax = 2 * headerListBytesMax;
const blockFramesMax = 64;
/** Requests whose headers were the same bytes as lately need not be decoded again. */
const knownHeadsMax = 4;
const knownBlockBytesMax = 512;
/** Of streams that this side ended by itself: what the client had sent until it knew is passed over. */
const endedStreamsMax = 1000;

/** From this on what came is read in two halves: a handful of calls. */
const halvedBytesMin = 512;

/** What is kept of a request that comes in pieces has room for this much at first. */
const gatheredBytesMin = 1024;

const messagePrefixBytes = 5;
/** The message's flag of compression, and its length of 32 bits, before every message ("gRPC over HTTP2", Length-Prefixed-Message). */
const uncompressed = 0;

const grpcCodes = { resourceExhausted: 8, unimplemented: 12, internal: 13 } as const;

/** Tells the answer to the PING of a shut down from others. */
const shutdownPing = Buffer.from("kmsmark\0", "latin1");
const nothing = Buffer.alloc(0);

/**
 * The server's end of one HTTP/2 connection (RFC 9113) that takes unary gRPC calls. What a peer must not do ends the stream or the
 * connection as the RFC says; what one peer can make this side keep in memory is bounded.
 */
export class ServerConnection {
  readonly #socket: Socket;
  readonly #methods: ReadonlyMap<string, UnaryMethod>;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #decoder = new HpackDecoder();
  readonly #answerHeaders = new AnswerHeaders();
  readonly #guard: FloodGuard;
  /** Those on which something is still to be received or sent. */
  readonly #streams = new Map<number, Stream>();
  readonly #endedStreams = new Set<number>();
  /** Those whose answer waits for the client to open a window. */
  readonly #waiting = new Set<Stream>();
  #knownHeads: KnownHead[] = [];
  #knownAtChange = 0;
  #openBlock: OpenBlock | undefined;
  #lastStreamId = 0;
  /** Calls that their method has not ended, and requests that are not complete. */
  #callCount = 0;
  #pendingBytes = 0;
  #receiveWindowBytes = connectionWindowBytes;
  #sendWindowBytes = defaultWindowBytes;
  #initialSendWindowBytes = defaultWindowBytes;
  #hasSettings = false;
  #isShuttingDown = false;
  /** No stream above this one is taken any more. */
  #lastTakenStreamId = windowBytesMax;
  #isClosed = false;
  #isReading = false;
  #isFlushDue = false;
  #secondHalf: Buffer | undefined;

  constructor(socket: Socket, { methods, clock }: ServerConnectionOptions) {
    this.#socket = socket;
    this.#methods = methods;
    this.#guard = new FloodGuard(clock);
    this.#writer = new FrameWriter(socket);
    this.#reader = new FrameReader((type, flags, streamId, bytes, start, end) => {
      this.#takeFrame(type, flags, streamId, bytes, start, end);
      return !this.#isClosed;
    });
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => socket.resume());
    // A client that has ended its side takes no answers any more.
    socket.on("end", () => this.#close());
    socket.on("error", () => this.#close());
    socket.on("close", () => this.#close());
    this.#greet();
  }

  /**
   * Tells the client to go elsewhere, takes what it had sent until it knew, and closes when the last call has its answer (RFC 9113
   * section 6.8). Who cannot wait so long destroys the socket.
   */
  shutDown(): void {
    if (this.#isShuttingDown || this.#isClosed) return;
    this.#isShuttingDown = true;
    if (!this.#reader.hasBegun) {
      this.#end();
      return;
    }
    this.#writeGoAway(windowBytesMax, errorCodes.noError, nothing);
    // Whatever the client sent before it learnt of this is there before its answer.
    this.#writer.addFrame(frameTypes.ping, 0, 0, shutdownPing);
    this.#flush();
  }

  #greet(): void {
    const pairs = [
      [settings.maxConcurrentStreams, concurrentCallsMax],
      [settings.initialWindowSize, streamWindowBytes],
      [settings.maxHeaderListSize, headerListBytesMax],
    ] as const;
    this.#writer.beginFrame(6 * pairs.length, frameTypes.settings, 0, 0);
    for (const [setting, value] of pairs) {
      this.#writer.addByte(0);
      this.#writer.addByte(setting);
      this.#writer.addUint32(value);
    }
    this.#writeWindowUpdate(0, connectionWindowBytes - defaultWindowBytes);
    this.#flush();
  }

  /**
   * Of many calls that came together, those in the first half are answered before the others are read: while the server works on these, the
   * client takes the answers and sends its next calls. Else each of the two would wait while the other works.
   */
  #read(chunk: Buffer): void {
    this.#readOn();
    if (chunk.length < halvedBytesMin) {
      this.#readPiece(chunk);
      this.#flush();
      return;
    }
    const middle = chunk.length >>> 1;
    this.#secondHalf = chunk.subarray(middle);
    this.#readPiece(chunk.subarray(0, middle));
    // Behind the answers that methods give at once, be it by a promise.
    queueMicrotask(() => this.#readOn());
  }

  #readOn(): void {
    const piece = this.#secondHalf;
    if (piece === undefined) return;
    this.#secondHalf = undefined;
    this.#flush();
    this.#readPiece(piece);
    this.#flush();
  }

  #readPiece(piece: Buffer): void {
    if (this.#isClosed) return;
    this.#isReading = true;
    try {
      this.#reader.read(piece);
    } catch (thrown) {
      if (!(thrown instanceof Http2Error)) throw thrown;
      this.#fail(thrown.errorCode, thrown.message);
    } finally {
      this.#isReading = false;
    }
  }

  #takeFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (this.#openBlock !== undefined && (type !== frameTypes.continuation || streamId !== this.#openBlock.streamId)) {
      throw protocolError("a header block is interrupted");
    }
    if (!this.#hasSettings && type !== frameTypes.settings) throw protocolError("the client's first frame is not SETTINGS");
    switch (type) {
      case frameTypes.data:
        this.#takeData(flags, streamId, bytes, start, end);
        break;
      case frameTypes.headers:
        this.#takeHeaders(flags, streamId, bytes, start, end);
        break;
      case frameTypes.windowUpdate:
        this.#takeWindowUpdate(streamId, bytes, start, end);
        break;
      case frameTypes.continuation:
        this.#takeContinuation(flags, bytes, start, end);
        break;
      case frameTypes.rstStream:
        this.#takeReset(streamId, end - start);
        break;
      case frameTypes.settings:
        this.#takeSettings(flags, streamId, bytes, start, end);
        break;
      case frameTypes.ping:
        this.#takePing(flags, streamId, bytes, start, end);
        break;
      case frameTypes.priority:
        requireStream(streamId);
        this.#spend();
        if (end - start !== 5) this.#resetStream(streamId, errorCodes.frameSizeError);
        break;
      case frameTypes.goAway:
        requireConnection(streamId);
        if (end - start < 8) throw frameSizeError("a GOAWAY frame is too short");
        this.#spend();
        break;
      case frameTypes.pushPromise:
        throw protocolError("a client pushes");
      default:
        // RFC 9113 section 5.5.
        this.#spend();
        break;
    }
  }

  #takeHeaders(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    requireStream(streamId);
    let [start, end] = [from, to];
    if ((flags & frameFlags.padded) !== 0) {
      end -= paddingOf(bytes, start, end);
      start += 1;
    }
    if ((flags & frameFlags.priority) !== 0) start += 5;
    if (start > end) throw protocolError("the padding of a frame is longer than the frame");
    const isEnd = (flags & frameFlags.endStream) !== 0;
    if ((flags & frameFlags.endHeaders) !== 0) this.#takeBlock(streamId, isEnd, bytes, start, end);
    else this.#openBlock = { streamId, isEnd, pieces: [bytes.subarray(start, end)], bytes: end - start };
  }

  #takeContinuation(flags: number, bytes: Buffer, start: number, end: number): void {
    const block = this.#openBlock;
    if (block === undefined) throw protocolError("a CONTINUATION frame continues nothing");
    block.pieces.push(bytes.subarray(start, end));
    block.bytes += end - start;
    // What is not decoded cannot be passed over either: every later block depends on it.
    if (block.bytes > blockBytesMax || block.pieces.length > blockFramesMax) {
      throw new Http2Error("a header block is too long", errorCodes.enhanceYourCalm);
    }
    if ((flags & frameFlags.endHeaders) === 0) return;
    this.#openBlock = undefined;
    this.#takeBlock(block.streamId, block.isEnd, Buffer.concat(block.pieces), 0, block.bytes);
  }

  #takeBlock(streamId: number, isEnd: boolean, bytes: Buffer, start: number, end: number): void {
    if (streamId % 2 === 0) throw protocolError("a client opens a stream with an even number");
    if (streamId <= this.#lastStreamId) {
      this.#takeTrailers(streamId, isEnd, this.#decode(bytes.subarray(start, end)));
      return;
    }
    const head = this.#headOf(bytes, start, end);
    if (streamId > this.#lastTakenStreamId) return;
    this.#lastStreamId = streamId;
    if (head === "malformed") {
      this.#resetStream(streamId, errorCodes.protocolError);
    } else if (this.#callCount >= concurrentCallsMax) {
      this.#spend();
      this.#resetStream(streamId, errorCodes.refusedStream);
    } else {
      this.#begin(streamId, isEnd, head);
    }
  }

  /** Two calls of a method by one client often have the same headers; then the second need not be decoded. */
  #headOf(bytes: Buffer, start: number, end: number): RequestHead | RefusedHead | MalformedHead {
    if (this.#knownAtChange === this.#decoder.changes) {
      for (const { block, head } of this.#knownHeads) {
        if (block.length === end - start && block.compare(bytes, start, end) === 0) return head;
      }
    } else {
      this.#knownHeads = [];
      this.#knownAtChange = this.#decoder.changes;
    }
    const block = bytes.subarray(start, end);
    const head = requestHeadOf(this.#decode(block));
    if (this.#decoder.changes === this.#knownAtChange && block.length <= knownBlockBytesMax) {
      this.#knownHeads = [{ block: Buffer.from(block), head }, ...this.#knownHeads.slice(0, knownHeadsMax - 1)];
    }
    return head;
  }

  #decode(block: Buffer): Header[] {
    try {
      return this.#decoder.decode(block);
    } catch (thrown) {
      throw thrown instanceof Http2Error ? new Http2Error(thrown.message, errorCodes.compressionError) : thrown;
    }
  }

  #begin(streamId: number, isEnd: boolean, head: RequestHead | RefusedHead): void {
    const stream = new Stream(streamId, this.#initialSendWindowBytes, this);
    this.#streams.set(streamId, stream);
    this.#callCount++;
    stream.isReceiving = !isEnd;
    if ("httpStatus" in head) {
      stream.refuse(refusalBlock(head));
      return;
    }
    const method = this.#methods.get(head.path);
    if (method === undefined) {
      stream.fail(grpcCodes.unimplemented, "This server has no such method.");
      return;
    }
    stream.method = method;
    stream.timeoutMs = head.timeoutMs;
    stream.contentBytes = head.contentBytes;
    if (isEnd) this.#serve(stream, nothing, 0, 0);
  }

  /** The stream, where its request goes on; undefined where it cannot any more, which has been answered then. */
  #receivingStream(streamId: number): Stream | undefined {
    const stream = this.#streams.get(streamId);
    if (stream?.isReceiving === true) return stream;
    if (stream === undefined) this.#takeForEnded(streamId);
    else this.#resetStream(streamId, errorCodes.streamClosed);
    return undefined;
  }

  #takeTrailers(streamId: number, isEnd: boolean, headers: readonly Header[]): void {
    const stream = this.#receivingStream(streamId);
    if (stream === undefined) return;
    if (!isEnd || !areTrailers(headers)) {
      this.#resetStream(streamId, errorCodes.protocolError);
      return;
    }
    stream.isReceiving = false;
    this.#serve(stream, stream.gathered, 0, stream.gatheredBytes);
  }

  #takeData(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    requireStream(streamId);
    if (streamId > this.#lastStreamId) {
      if (streamId > this.#lastTakenStreamId) {
        this.#receive(to - from);
        return;
      }
      throw protocolError("DATA comes before the stream's headers");
    }
    this.#receive(to - from);
    let [start, end] = [from, to];
    if ((flags & frameFlags.padded) !== 0) {
      end -= paddingOf(bytes, start, end);
      start += 1;
      if (start > end) throw protocolError("the padding of a frame is longer than the frame");
    }
    const stream = this.#receivingStream(streamId);
    if (stream === undefined) return;
    stream.receiveWindowBytes -= to - from;
    if ((flags & frameFlags.endStream) !== 0) {
      stream.isReceiving = false;
      if (stream.gatheredBytes === 0) this.#serve(stream, bytes, start, end);
      else if (this.#gather(stream, bytes, start, end)) this.#serve(stream, stream.gathered, 0, stream.gatheredBytes);
      return;
    }
    if (start === end) this.#spend();
    if (this.#gather(stream, bytes, start, end) && stream.receiveWindowBytes < streamWindowBytes / 2) {
      this.#writeWindowUpdate(streamId, streamWindowBytes - stream.receiveWindowBytes);
      stream.receiveWindowBytes = streamWindowBytes;
    }
  }

  /**
   * Counts against the connection's window, which is opened again when half of it is used, as that of a stream is: a client cannot exceed
   * it. What a call keeps is limited otherwise.
   */
  #receive(bytes: number): void {
    this.#receiveWindowBytes -= bytes;
    if (this.#receiveWindowBytes >= connectionWindowBytes / 2) return;
    this.#writeWindowUpdate(0, connectionWindowBytes - this.#receiveWindowBytes);
    this.#receiveWindowBytes = connectionWindowBytes;
  }

  /** Keeps a piece of a request that is not complete; returns false where the call has ended by it. */
  #gather(stream: Stream, bytes: Buffer, start: number, end: number): boolean {
    // A copy, since a small piece would keep the whole chunk that it came in.
    const neededBytes = stream.gatheredBytes + end - start;
    if (neededBytes > stream.gathered.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(gatheredBytesMin, 2 * neededBytes));
      stream.gathered.copy(wider, 0, 0, stream.gatheredBytes);
      stream.gathered = wider;
    }
    bytes.copy(stream.gathered, stream.gatheredBytes, start, end);
    stream.gatheredBytes = neededBytes;
    this.#pendingBytes += end - start;
    if (this.#pendingBytes > pendingBytesMax) {
      stream.fail(grpcCodes.resourceExhausted, "Too many long messages are under way on this connection.");
      return false;
    }
    return this.#isMessageSound(stream, stream.gathered, 0, neededBytes);
  }

  /** Judges as much of the prefix and the message as is there. */
  #isMessageSound(stream: Stream, bytes: Buffer, start: number, end: number): boolean {
    if (end - start < messagePrefixBytes) return true;
    const messageBytes = bytes.readUInt32BE(start + 1);
    if (bytes[start] !== uncompressed) {
      // `grpc-encoding` names none, or the call would not have come so far ("gRPC over HTTP2", Compressed-Flag).
      stream.fail(grpcCodes.internal, "The message is flagged as compressed, and no grpc-encoding says how.");
    } else if (messageBytes > messageBytesMax) {
      stream.fail(grpcCodes.resourceExhausted, `The message has ${messageBytes} bytes; this server takes at most ${messageBytesMax}.`);
    } else if (end - start > messagePrefixBytes + messageBytes) {
      stream.fail(grpcCodes.unimplemented, "The call has one message, and another one follows it.");
    } else {
      return true;
    }
    return false;
  }

  /** The request is complete, and lies in `bytes`. */
  #serve(stream: Stream, bytes: Buffer, start: number, end: number): void {
    if (stream.gatheredBytes > 0) this.#dropGathered(stream);
    if (stream.contentBytes !== undefined && stream.contentBytes !== end - start) {
      this.#resetStream(stream.id, errorCodes.protocolError);
    } else if (start === end) {
      stream.fail(grpcCodes.unimplemented, "The call has one message, and this one came without.");
    } else if (!this.#isMessageSound(stream, bytes, start, end)) {
      // It has failed.
    } else if (end - start < messagePrefixBytes || bytes.readUInt32BE(start + 1) !== end - start - messagePrefixBytes) {
      stream.fail(grpcCodes.internal, "The request ends within its message.");
    } else {
      stream.message = bytes.subarray(start + messagePrefixBytes, end);
      stream.isHanded = true;
      stream.method?.(stream);
    }
  }

  #dropGathered(stream: Stream): void {
    this.#pendingBytes -= stream.gatheredBytes;
    stream.gathered = nothing;
    stream.gatheredBytes = 0;
  }

  /** A frame for a stream that is over: the client may not have known, or it breaks the rules (RFC 9113 section 5.1, closed). */
  #takeForEnded(streamId: number): void {
    this.#spend();
    if (!this.#endedStreams.has(streamId)) throw new Http2Error("a frame is for a stream that has ended", errorCodes.streamClosed);
  }

  #takeReset(streamId: number, length: number): void {
    requireStream(streamId);
    if (length !== 4) throw frameSizeError("a RST_STREAM frame has not four bytes");
    if (streamId > this.#lastStreamId) {
      if (streamId > this.#lastTakenStreamId) return;
      throw protocolError("RST_STREAM comes before the stream's headers");
    }
    this.#spend();
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.#drop(stream);
    // It is the client's last frame for the stream.
    else this.#endedStreams.delete(streamId);
  }

  #takeWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw frameSizeError("a WINDOW_UPDATE frame has not four bytes");
    const increment = bytes.readUInt32BE(start) & 0x7fffffff;
    if (streamId === 0) {
      if (increment === 0) throw protocolError("a window is opened by nothing");
      this.#sendWindowBytes += increment;
      if (this.#sendWindowBytes > windowBytesMax) throw new Http2Error("a window is too wide", errorCodes.flowControlError);
      this.#sendWaiting();
      return;
    }
    if (streamId > this.#lastStreamId && streamId <= this.#lastTakenStreamId) {
      throw protocolError("WINDOW_UPDATE comes before the stream's headers");
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.sendWindowBytes += increment;
    if (increment === 0) this.#resetStream(streamId, errorCodes.protocolError);
    else if (stream.sendWindowBytes > windowBytesMax) this.#resetStream(streamId, errorCodes.flowControlError);
    else this.#sendWaiting();
  }

  #takeSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    requireConnection(streamId);
    if ((flags & frameFlags.ack) !== 0) {
      if (end > start) throw frameSizeError("an acknowledgement of settings has a content");
      if (!this.#hasSettings) throw protocolError("the client's first frame is not SETTINGS");
      this.#spend();
      return;
    }
    if ((end - start) % 6 !== 0) throw frameSizeError("a SETTINGS frame ends within a setting");
    if (this.#hasSettings) this.#spend();
    this.#hasSettings = true;
    for (let at = start; at < end; at += 6) this.#takeSetting(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
    this.#writer.beginFrame(0, frameTypes.settings, frameFlags.ack, 0);
    this.#sendWaiting();
  }

  #takeSetting(setting: number, value: number): void {
    switch (setting) {
      case headerTableSizeSetting:
        this.#answerHeaders.allowTable(value);
        break;
      case settings.enablePush:
        if (value > 1) throw protocolError("SETTINGS_ENABLE_PUSH is neither 0 nor 1");
        break;
      case settings.initialWindowSize: {
        if (value > windowBytesMax) throw new Http2Error("SETTINGS_INITIAL_WINDOW_SIZE is too big", errorCodes.flowControlError);
        const growth = value - this.#initialSendWindowBytes;
        this.#initialSendWindowBytes = value;
        for (const stream of this.#streams.values()) {
          stream.sendWindowBytes += growth;
          if (stream.sendWindowBytes > windowBytesMax) throw new Http2Error("a window is too wide", errorCodes.flowControlError);
        }
        break;
      }
      case settings.maxFrameSize:
        if (value < payloadBytesMax || value > 0xffffff) throw protocolError("SETTINGS_MAX_FRAME_SIZE is out of its range");
        break;
    }
  }

  #takePing(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    requireConnection(streamId);
    if (end - start !== 8) throw frameSizeError("a PING frame has not eight bytes");
    this.#spend();
    if ((flags & frameFlags.ack) === 0) {
      this.#writer.addFrame(frameTypes.ping, frameFlags.ack, 0, bytes.subarray(start, end));
    } else if (this.#isShuttingDown && this.#lastTakenStreamId === windowBytesMax && shutdownPing.compare(bytes, start, end) === 0) {
      this.#lastTakenStreamId = this.#lastStreamId;
      this.#writeGoAway(this.#lastStreamId, errorCodes.noError, nothing);
      this.#endIfDone();
    }
  }

  /** For {@link Stream} alone. */
  sendAnswer(stream: Stream, message: Uint8Array): void {
    this.#callCount--;
    if (stream.isOver) return;
    this.#guard.earn();
    const headers = this.#answerHeaders.headers();
    const bytes = messagePrefixBytes + message.length;
    if (bytes > payloadBytesMax || bytes > this.#sendWindowBytes || bytes > stream.sendWindowBytes || this.#waiting.size > 0) {
      this.#writer.addFrame(frameTypes.headers, frameFlags.endHeaders, stream.id, headers);
      stream.outgoing = Buffer.allocUnsafe(bytes);
      stream.outgoing[0] = uncompressed;
      stream.outgoing.writeUInt32BE(message.length, 1);
      stream.outgoing.set(message, messagePrefixBytes);
      this.#waiting.add(stream);
      this.#sendWaiting();
    } else {
      const writer = this.#writer;
      writer.addFrame(frameTypes.headers, frameFlags.endHeaders, stream.id, headers);
      writer.beginFrame(bytes, frameTypes.data, 0, stream.id);
      writer.addByte(uncompressed);
      writer.addUint32(message.length);
      writer.addBytes(message);
      this.#sendWindowBytes -= bytes;
      this.#sendTrailers(stream);
    }
    this.#flushSoon();
  }

  /** For {@link Stream} alone: answers with nothing but a header block of literals. */
  refuse(stream: Stream, block: Buffer): void {
    this.#callCount--;
    if (stream.isOver) return;
    this.#writer.addFrame(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, stream.id, this.#answerHeaders.block(block));
    this.#finish(stream);
    this.#flushSoon();
  }

  /** Sends of each answer that waits what its window and the connection's have room for. */
  #sendWaiting(): void {
    for (const stream of this.#waiting) {
      const { outgoing } = stream;
      for (;;) {
        const bytes = Math.min(payloadBytesMax, outgoing.length - stream.outgoingAt, stream.sendWindowBytes, this.#sendWindowBytes);
        if (bytes <= 0) break;
        this.#writer.addFrame(frameTypes.data, 0, stream.id, outgoing.subarray(stream.outgoingAt, stream.outgoingAt + bytes));
        stream.outgoingAt += bytes;
        stream.sendWindowBytes -= bytes;
        this.#sendWindowBytes -= bytes;
      }
      if (stream.outgoingAt < outgoing.length) continue;
      this.#waiting.delete(stream);
      this.#sendTrailers(stream);
    }
  }

  #sendTrailers(stream: Stream): void {
    this.#writer.addFrame(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, stream.id, this.#answerHeaders.trailers());
    this.#finish(stream);
  }

  /** The answer is complete. Where the request is not, the client need not go on (RFC 9113 section 8.1). */
  #finish(stream: Stream): void {
    if (stream.isReceiving) {
      this.#writeReset(stream.id, errorCodes.noError);
      this.#rememberEnded(stream.id);
    }
    this.#forget(stream);
  }

  #resetStream(streamId: number, errorCode: number): void {
    this.#spend();
    this.#writeReset(streamId, errorCode);
    this.#rememberEnded(streamId);
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.#drop(stream);
    else this.#endIfDone();
  }

  /** Ends a stream without an answer. */
  #drop(stream: Stream): void {
    this.#forget(stream);
    if (stream.isAnswered) return;
    if (stream.isHanded) stream.onCancel?.();
    else this.#callCount--;
  }

  #forget(stream: Stream): void {
    stream.isOver = true;
    stream.isReceiving = false;
    if (stream.gatheredBytes > 0) this.#dropGathered(stream);
    this.#waiting.delete(stream);
    this.#streams.delete(stream.id);
    if (this.#isShuttingDown) this.#endIfDone();
  }

  #rememberEnded(streamId: number): void {
    this.#endedStreams.add(streamId);
    if (this.#endedStreams.size <= endedStreamsMax) return;
    for (const oldest of this.#endedStreams) {
      this.#endedStreams.delete(oldest);
      break;
    }
  }

  #spend(): void {
    if (!this.#guard.spend()) throw new Http2Error("too many frames serve no call", errorCodes.enhanceYourCalm);
  }

  #writeReset(streamId: number, errorCode: number): void {
    this.#writer.beginFrame(4, frameTypes.rstStream, 0, streamId);
    this.#writer.addUint32(errorCode);
  }

  #writeWindowUpdate(streamId: number, increment: number): void {
    this.#writer.beginFrame(4, frameTypes.windowUpdate, 0, streamId);
    this.#writer.addUint32(increment);
  }

  #writeGoAway(lastStreamId: number, errorCode: number, debug: Uint8Array): void {
    this.#writer.beginFrame(8 + debug.length, frameTypes.goAway, 0, 0);
    this.#writer.addUint32(lastStreamId);
    this.#writer.addUint32(errorCode);
    this.#writer.addBytes(debug);
  }

  /** Answers that are given while frames are read go out together, and so do those that were waited for and come at once. */
  #flushSoon(): void {
    if (this.#isReading || this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    // A client that does not read its answers is not read from, so that they cannot pile up.
    if (!this.#writer.flush()) this.#socket.pause();
  }

  #fail(errorCode: number, message: string): void {
    this.#writeGoAway(this.#lastStreamId, errorCode, Buffer.from(message));
    this.#end();
  }

  #endIfDone(): void {
    if (this.#lastTakenStreamId === windowBytesMax || this.#streams.size > 0 || this.#isClosed) return;
    this.#end();
  }

  /** Closes once all that was written is gone. */
  #end(): void {
    this.#flush();
    this.#close();
    this.#socket.end(() => this.#socket.destroy());
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const stream of this.#streams.values()) this.#drop(stream);
  }
}

interface KnownHead {
  readonly block: Buffer;
  readonly head: RequestHead | RefusedHead | MalformedHead;
}

/** A header block whose CONTINUATION frames are still to come. */
interface OpenBlock {
  readonly streamId: number;
  readonly isEnd: boolean;
  readonly pieces: Buffer[];
  bytes: number;
}

class Stream implements UnaryCall {
  readonly id: number;
  readonly #connection: ServerConnection;
  method: UnaryMethod | undefined;
  message: Buffer = nothing;
  timeoutMs: number | undefined;
  onCancel: (() => void) | undefined;
  contentBytes: number | undefined;
  /** The client has not ended its side. */
  isReceiving = true;
  /** The method has it. */
  isHanded = false;
  isAnswered = false;
  /** Nothing is sent any more. */
  isOver = false;
  gathered: Buffer = nothing;
  gatheredBytes = 0;
  receiveWindowBytes = streamWindowBytes;
  sendWindowBytes: number;
  /** The answer with its prefix, and how much of it was sent, where it does not go out at once. */
  outgoing: Buffer = nothing;
  outgoingAt = 0;

  constructor(id: number, sendWindowBytes: number, connection: ServerConnection) {
    this.id = id;
    this.sendWindowBytes = sendWindowBytes;
    this.#connection = connection;
  }

  answer(message: Uint8Array): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.#connection.sendAnswer(this, message);
  }

  fail(grpcCode: number, text: string): void {
    this.refuse(trailersOnly(grpcCode, text.slice(0, textCharactersMax)));
  }

  refuse(block: Buffer): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.#connection.refuse(this, block);
  }
}

/** The only answer to headers that no call is made of, for clients of gRPC and of HTTP alike. */
function refusalBlock({ httpStatus, grpcCode, message }: RefusedHead): Buffer {
  return encodeLiterals([
    [":status", String(httpStatus)],
    ["content-type", "application/grpc"],
    ["grpc-status", String(grpcCode)],
    ["grpc-message", message],
    ["grpc-accept-encoding", "identity"],
  ]);
}

/** How many bytes of padding a frame says that it has. */
function paddingOf(bytes: Buffer, start: number, end: number): number {
  if (start === end) throw frameSizeError("a padded frame does not say how long its padding is");
  return bytes.readUInt8(start);
}

function requireStream(streamId: number): void {
  if (streamId === 0) throw protocolError("a frame of a stream is for the connection");
}

function requireConnection(streamId: number): void {
  if (streamId !== 0) throw protocolError("a frame of the connection is for a stream");
}

function protocolError(message: string): Http2Error {
  return new Http2Error(message);
}

function frameSizeError(message: string): Http2Error {
  return new Http2Error(message, errorCodes.frameSizeError);
}
