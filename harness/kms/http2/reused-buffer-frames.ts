import { errorCodes, frameHeaderBytes, Http2Error } from "./frames.ts";

/** Told of a frame whose payload lies in `bytes` from `from` to `to`, until it returns. Whether to go on. */
export type OnFrame = (type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number) => boolean;

/**
 * Cuts what comes out of a socket, in whatever pieces, into frames without making an object of any: for a buffer that is read into again and
 * again. Only a frame that comes in several pieces is copied together.
 */
export class ReusedBufferFrames {
  readonly #payloadBytesMax: number;
  readonly #onFrame: OnFrame;
  /** A frame that is not whole yet. */
  readonly #carry: Buffer;
  #carried = 0;

  /** @param payloadBytesMax - what this side has allowed (SETTINGS_MAX_FRAME_SIZE) */
  constructor(payloadBytesMax: number, onFrame: OnFrame) {
    this.#payloadBytesMax = payloadBytesMax;
    this.#onFrame = onFrame;
    this.#carry = Buffer.allocUnsafeSlow(frameHeaderBytes + payloadBytesMax);
  }

  /**
   * Takes the first `end` bytes of `chunk`, which may be used again afterwards. Of what follows a frame after which not to go on nothing is kept.
   * @throws Http2Error for a frame that is longer than allowed
   */
  read(chunk: Buffer, end: number): void {
    let at = 0;
    if (this.#carried > 0) {
      at = this.#complete(chunk, end);
      if (at === -1) return;
    }
    while (end - at >= frameHeaderBytes) {
      const to = at + frameHeaderBytes + this.#lengthAt(chunk, at);
      if (to > end) break;
      if (!this.#tell(chunk, at, to)) return;
      at = to;
    }
    this.#take(chunk, at, end);
  }

  /** Where in the chunk the next frame begins; -1 where there is nothing left to do. */
  #complete(chunk: Buffer, end: number): number {
    const at = Math.max(0, Math.min(end, frameHeaderBytes - this.#carried));
    this.#take(chunk, 0, at);
    if (this.#carried < frameHeaderBytes) return -1;
    const missing = frameHeaderBytes + this.#lengthAt(this.#carry, 0) - this.#carried;
    const next = Math.min(end, at + missing);
    this.#take(chunk, at, next);
    if (next < at + missing) return -1;
    const whole = this.#carried;
    this.#carried = 0;
    return this.#tell(this.#carry, 0, whole) ? next : -1;
  }

  #take(chunk: Buffer, from: number, to: number): void {
    if (from < to) chunk.copy(this.#carry, this.#carried, from, to);
    this.#carried += to - from;
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at) >>> 8;
    if (length > this.#payloadBytesMax) throw new Http2Error(`a frame has ${length} bytes`, errorCodes.frameSizeError);
    return length;
  }

  #tell(bytes: Buffer, at: number, to: number): boolean {
    const from = at + frameHeaderBytes;
    return this.#onFrame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5) & 0x7fffffff, bytes, from, to);
  }
}
