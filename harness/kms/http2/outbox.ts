import type { Readable, Writable } from "node:stream";

/**
 * What has to go out on one socket. Frames that lie side by side in one chunk leave it in one piece again, and while the socket does not
 * take more, the sources that fill it stand still.
 */
export class Outbox {
  #socket: Writable;
  #sources: readonly Readable[];
  #pieces: Buffer[] = [];
  #isFull = false;
  #isBlocked = false;

  /** @param sources - what is paused while the socket is full. */
  constructor(socket: Writable, sources: readonly Readable[]) {
    this.#socket = socket;
    this.#sources = sources;
    socket.on("drain", () => {
      this.#isFull = false;
      this.#resume();
    });
  }

  /** The bytes go out at the next {@link flush}. */
  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      this.#pieces[this.#pieces.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
    } else {
      this.#pieces.push(bytes);
    }
  }

  flush(): void {
    if (this.#pieces.length === 0) return;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (!this.#socket.writable) return;
    this.#socket.cork();
    for (const piece of pieces) this.#isFull = !this.#socket.write(piece);
    this.#socket.uncork();
    if (this.#isFull) this.#pause();
  }

  /** Stops the sources for another reason, until {@link unblock}. */
  block(): void {
    this.#isBlocked = true;
    this.#pause();
  }

  unblock(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#resume();
  }

  #pause(): void {
    for (const source of this.#sources) source.pause();
  }

  #resume(): void {
    if (this.#isFull || this.#isBlocked) return;
    for (const source of this.#sources) source.resume();
  }
}
