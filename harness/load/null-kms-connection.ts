import type { Socket } from "node:net";
import {
  clientPreface,
  errorCodes,
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
import { HeaderEncoder } from "../kms/http2/header-encoder.ts";
import type { Header } from "../kms/http2/hpack.ts";

const windowBytesDefault = 65_535;
/** Requests are acknowledged to the connection's window whenever so many bytes came. */
const acknowledgeBytes = 16_384;
/** What a server allows that does not say so; Go's does. */
const streamsMax = 1000;

/** What every answer has around its message. */
const headers: readonly Header[] = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];
const trailers: readonly Header[] = [["grpc-status", "0"]];

/**
 * The server's side of a connection on which every call is answered at once and with the same message: it does not look at what is asked, so it decodes no
 * headers. It keeps to the client's windows, and closes the connection where it is asked for more than it can do.
 */
export class NullKmsConnection {
  readonly #socket: Socket;
  readonly #message: Buffer;
  /** Bytes that an answer takes of the connection's window. */
  readonly #dataBytes: number;
  readonly #encoder = new HeaderEncoder();
  /** An answer that changes nothing in the client's table; undefined until there is one. */
  #answer: Answer | undefined;

  #rest: Buffer = Buffer.alloc(0);
  #hasPreface = false;
  #window = windowBytesDefault;
  #initialWindow = windowBytesDefault;
  #received = 0;
  /** Calls that wait for the connection's window. */
  #waiting: number[] = [];
  #out: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #outBytes = 0;
  #writing: Buffer | undefined;
  #spare: Buffer | undefined;

  /** @param message - of every answer, without gRPC's prefix; at most what fits into a frame. */
  constructor(socket: Socket, message: Uint8Array) {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.#socket = socket;
    this.#message = Buffer.concat([prefix, message]);
    this.#dataBytes = this.#message.length;
    if (this.#dataBytes > payloadBytesMax) throw new RangeError(`A message of ${message.length} bytes does not fit into a frame.`);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#add(settingsBytes([[settings.maxConcurrentStreams, streamsMax]]));
    this.#flush();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    try {
      const at = this.#frames(bytes);
      this.#rest = at === bytes.length ? nothing : Buffer.from(bytes.subarray(at));
      if (this.#received >= acknowledgeBytes) {
        this.#add(windowUpdateBytes(0, this.#received));
        this.#received = 0;
      }
    } catch (thrown) {
      if (!(thrown instanceof Http2Error)) throw thrown;
      const payload = Buffer.alloc(8);
      payload.writeUInt32BE(thrown.errorCode, 4);
      this.#add(frameBytes(frameTypes.goAway, 0, 0, payload));
      this.#flush();
      this.#socket.destroySoon();
      return;
    }
    this.#flush();
  }

  #frames(bytes: Buffer): number {
    let at = 0;
    if (!this.#hasPreface) {
      if (bytes.length < clientPreface.length) return 0;
      if (!bytes.subarray(0, clientPreface.length).equals(clientPreface))
        throw new Http2Error("the client does not speak HTTP/2", errorCodes.protocolError);
      this.#hasPreface = true;
      at = clientPreface.length;
    }
    while (bytes.length - at >= frameHeaderBytes) {
      const length = bytes.readUInt32BE(at) >>> 8;
      if (length > payloadBytesMax) throw new Http2Error("a frame is too long", errorCodes.frameSizeError);
      const next = at + frameHeaderBytes + length;
      if (next > bytes.length) break;
      this.#frame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5) & 0x7fffffff, bytes, at + frameHeaderBytes, next);
      at = next;
    }
    return at;
  }

  #frame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    switch (type) {
      case frameTypes.data:
        this.#received += to - from;
        if ((flags & frameFlags.endStream) !== 0) this.#onRequest(streamId);
        else if (to > from) this.#add(windowUpdateBytes(streamId, to - from));
        break;
      case frameTypes.headers:
        if ((flags & frameFlags.endStream) !== 0) this.#onRequest(streamId);
        break;
      case frameTypes.settings:
        if ((flags & frameFlags.ack) === 0) this.#onSettings(bytes, from, to);
        break;
      case frameTypes.ping:
        if ((flags & frameFlags.ack) === 0) this.#add(frameBytes(frameTypes.ping, frameFlags.ack, 0, bytes.subarray(from, to)));
        break;
      case frameTypes.windowUpdate:
        if (streamId === 0 && to - from === 4) this.#widen(bytes.readUInt32BE(from) & 0x7fffffff);
        break;
      default:
      // The rest changes nothing for a server that has answered already.
    }
  }

  #onSettings(bytes: Buffer, from: number, to: number): void {
    for (let at = from; at + 6 <= to; at += 6) {
      const value = bytes.readUInt32BE(at + 2);
      const parameter = bytes.readUInt16BE(at);
      if (parameter === settings.initialWindowSize) this.#initialWindow = value;
      if (parameter === headerTableSizeSetting) {
        this.#encoder.resizeTable(value);
        this.#answer = undefined;
      }
    }
    this.#add(frameBytes(frameTypes.settings, frameFlags.ack, 0, nothing));
  }

  #widen(increment: number): void {
    this.#window += increment;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const streamId of waiting) this.#onRequest(streamId);
  }

  #onRequest(streamId: number): void {
    if (this.#dataBytes > this.#initialWindow)
      throw new Http2Error("a stream's window is too small for the answer", errorCodes.flowControlError);
    if (this.#dataBytes > this.#window) {
      this.#waiting.push(streamId);
      return;
    }
    this.#window -= this.#dataBytes;
    const { bytes, idsAt } = this.#answer ?? this.#encode();
    const at = this.#outBytes;
    this.#add(bytes);
    for (const idAt of idsAt) this.#out.writeUInt32BE(streamId, at + idAt);
  }

  #encode(): Answer {
    const changesBefore = this.#encoder.changes;
    const begin = headersBytes(0, 0, this.#encoder.encode(headers));
    const data = frameBytes(frameTypes.data, 0, 0, this.#message);
    const end = headersBytes(0, frameFlags.endStream, this.#encoder.encode(trailers));
    const idAt = 5;
    const answer = { bytes: Buffer.concat([begin, data, end]), idsAt: [idAt, begin.length + idAt, begin.length + data.length + idAt] };
    if (this.#encoder.changes === changesBefore) this.#answer = answer;
    return answer;
  }

  #add(bytes: Buffer): void {
    const at = this.#outBytes;
    if (at + bytes.length > this.#out.length) {
      const bigger = Buffer.allocUnsafeSlow(2 * (at + bytes.length));
      this.#out.copy(bigger, 0, 0, at);
      this.#out = bigger;
    }
    bytes.copy(this.#out, at);
    this.#outBytes = at + bytes.length;
  }

  #flush(): void {
    if (this.#writing !== undefined || this.#outBytes === 0 || this.#socket.destroyed) return;
    const written = this.#out.subarray(0, this.#outBytes);
    this.#writing = this.#out;
    this.#out = this.#spare ?? Buffer.allocUnsafeSlow(64 * 1024);
    this.#spare = undefined;
    this.#outBytes = 0;
    this.#socket.write(written, this.#onWritten);
  }

  readonly #onWritten = (): void => {
    this.#spare = this.#writing;
    this.#writing = undefined;
    this.#flush();
  };
}

interface Answer {
  readonly bytes: Buffer;
  /** Where the stream's id stands. */
  readonly idsAt: readonly number[];
}

const nothing = Buffer.alloc(0);
