import { headersBytes } from "./frames.ts";
import { HeaderEncoder } from "./header-encoder.ts";
import { entryBytes, type Header } from "./hpack.ts";

/** The HEADERS frames of one connection's requests, which are all alike but for their path: once a path was sent, its frame is a handful of bytes that only have to be copied. */
export class RequestHeaders {
  readonly #lists: readonly (readonly Header[])[];
  readonly #encoder = new HeaderEncoder();
  /** By route; undefined where it has to be made. */
  readonly #frames: (Buffer | undefined)[];

  /**
   * @param common - what every request has, pseudo-headers first, without `:path`.
   * @param paths - of the routes, which are numbered by their place here.
   */
  constructor(common: readonly Header[], paths: readonly string[]) {
    this.#lists = paths.map((path) => [[":path", path], ...common]);
    this.#frames = paths.map(() => undefined);
  }

  /** The longest header list, uncompressed, as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2). */
  get listBytesMax(): number {
    return Math.max(...this.#lists.map((list) => list.reduce((sum, header) => sum + entryBytes(header), 0)));
  }

  /** The server's decoder takes a table of so many bytes from now on. */
  resizeTable(bytes: number): void {
    this.#encoder.resizeTable(bytes);
    this.#frames.fill(undefined);
  }

  /** The frames of the next request of a route, with stream id 0. They have to be sent: the next ones build on them. */
  next(route: number): Buffer {
    return this.#frames[route] ?? this.#encode(route);
  }

  #encode(route: number): Buffer {
    const changesBefore = this.#encoder.changes;
    const frames = headersBytes(0, 0, this.#encoder.encode(this.#lists[route] ?? []));
    if (this.#encoder.changes === changesBefore) this.#frames[route] = frames;
    else this.#frames.fill(undefined);
    return frames;
  }
}
