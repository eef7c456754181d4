import { ConnectionError, http2ErrorCodes } from "./connection-error.ts";
import { clientPreface, frameHeaderBytes } from "./frames.ts";

/**
 * Takes one frame, whose payload lies in `bytes` from `start` to `end`; nobody writes into them afterwards. Positions in the place of a
 * view, since making a view costs as much as everything else about a small frame.
 * @returns false to be given no more.
 */
export type TakeFrame = (type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number) => boolean;

/** What a server takes in one frame (SETTINGS_MAX_FRAME_SIZE, RFC 9113 section 6.5.2). */
const payloadBytesMax = 16_384;

/** Cuts what a client sends, in whatever pieces, into frames, and keeps at most one frame that is not whole. */
export class FrameReader {
  readonly #take: TakeFrame;
  #prefaceBytes = 0;
  /** Pieces of a frame that is not whole yet; joined once, when it is. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** What the pieces have to come to before it is worth to look at them again. */
  #wantedBytes = 0;

  constructor(take: TakeFrame) {
    this.#take = take;
  }

  /** Whether the client's preface (RFC 9113 section 3.4) is there. */
  get hasBegun(): boolean {
    return this.#prefaceBytes === clientPreface.length;
  }

  /** @throws ConnectionError where the client does not begin with the preface, or sends a frame that is too long. */
  read(chunk: Buffer): void {
    const start = this.hasBegun ? 0 : this.#readPreface(chunk);
    if (this.#pieceBytes === 0) {
      this.#keep(chunk, this.#readWhole(chunk, start));
      return;
    }
    this.#pieces.push(chunk);
    this.#pieceBytes += chunk.length;
    if (this.#pieceBytes < this.#wantedBytes) return;
    const joined = Buffer.concat(this.#pieces, this.#pieceBytes);
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#keep(joined, this.#readWhole(joined, 0));
  }

  /** Hands out the whole frames from `at` on, and returns where the rest begins. */
  #readWhole(bytes: Buffer, from: number): number {
    let at = from;
    while (at + frameHeaderBytes <= bytes.length) {
      const lengthAndType = bytes.readUInt32BE(at);
      const start = at + frameHeaderBytes;
      const end = start + (lengthAndType >>> 8);
      if (end - start > payloadBytesMax) throw new ConnectionError(http2ErrorCodes.frameSizeError, "a frame is longer than 16384 bytes");
      if (end > bytes.length) break;
      const streamId = bytes.readUInt32BE(at + 5) & 0x7fffffff;
      at = end;
      if (!this.#take(lengthAndType & 0xff, bytes[start - 5] ?? 0, streamId, bytes, start, end)) return bytes.length;
    }
    return at;
  }

  #keep(bytes: Buffer, from: number): void {
    const rest = bytes.length - from;
    if (rest === 0) return;
    this.#pieces = [bytes.subarray(from)];
    this.#pieceBytes = rest;
    this.#wantedBytes = frameHeaderBytes + (rest < frameHeaderBytes ? 0 : bytes.readUIntBE(from, 3));
  }

  /** Returns how many bytes of `chunk` belong to the preface. */
  #readPreface(chunk: Buffer): number {
    const bytes = Math.min(chunk.length, clientPreface.length - this.#prefaceBytes);
    if (clientPreface.compare(chunk, 0, bytes, this.#prefaceBytes, this.#prefaceBytes + bytes) !== 0) {
      throw new ConnectionError(http2ErrorCodes.protocolError, "the client does not begin with the HTTP/2 preface");
    }
    this.#prefaceBytes += bytes;
    return bytes;
  }
}
