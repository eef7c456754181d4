import type { Socket } from "node:net";
import { frameHeaderBytes } from "./frames.ts";

/** More than any frame, so that every frame fits into an empty one. */
const slabBytes = 65_536;

/** Collects the frames for one socket, and writes all that were added since the last flush in one piece. */
export class FrameWriter {
  readonly #socket: Socket;
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  #end = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Makes sure that the next `bytes`, at most a frame and two short ones, go out together. */
  reserve(bytes: number): void {
    if (this.#end + bytes > slabBytes) this.flush();
  }

  /** @param length - of the payload that is added next. */
  beginFrame(length: number, type: number, flags: number, streamId: number): void {
    this.reserve(frameHeaderBytes + length);
    const slab = this.#slab;
    const at = this.#end;
    slab[at] = length >>> 16;
    slab[at + 1] = length >>> 8;
    slab[at + 2] = length;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab[at + 5] = streamId >>> 24;
    slab[at + 6] = streamId >>> 16;
    slab[at + 7] = streamId >>> 8;
    slab[at + 8] = streamId;
    this.#end = at + frameHeaderBytes;
  }

  addByte(byte: number): void {
    this.#slab[this.#end++] = byte;
  }

  addUint32(value: number): void {
    this.#end = this.#slab.writeUInt32BE(value, this.#end);
  }

  addBytes(bytes: Uint8Array): void {
    this.#slab.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** A whole frame; the payload is at most 16384 bytes. */
  addFrame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    this.beginFrame(payload.length, type, flags, streamId);
    this.addBytes(payload);
  }

  /** Returns false where the peer reads more slowly than it is answered: the socket says `drain` when it has caught up. */
  flush(): boolean {
    if (this.#end > 0) {
      const written = this.#slab.subarray(0, this.#end);
      this.#end = 0;
      if (this.#socket.writable) this.#socket.write(written);
      // As long as the socket holds the bytes, nobody may write into them. Usually the kernel has taken them at once.
      if (this.#socket.writableLength > 0) this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    }
    return !this.#socket.writableNeedDrain;
  }
}
