import { headersBytes } from "./frames.ts";
import { defaultTableBytes, encodeInteger, encodeString, entryBytes, type Header, staticTable } from "./hpack.ts";

/**
 * The HEADERS frames of a client's requests that are all alike but for their path, for one connection. What a request names for the first time goes
 * into the table of RFC 7541 section 2.3, so that every later one is a handful of bytes, encoded once and copied ever after.
 */
export class RequestHeaders {
  readonly #lists: readonly (readonly Header[])[];
  /** What all requests together need of the table. */
  readonly #neededBytes: number;
  #capacityBytes = defaultTableBytes;
  /** The changes of the table's size that the next block has to begin with. */
  #resizes = Buffer.alloc(0);
  /** The newest is the last. */
  #entries: Header[] = [];
  /** By route; undefined where it has to be made. */
  #frames: (Buffer | undefined)[];

  /**
   * @param common - what every request has, pseudo-headers first, without `:path`.
   * @param paths - of the routes, which are numbered by their place here.
   */
  constructor(common: readonly Header[], paths: readonly string[]) {
    this.#lists = paths.map((path) => [[":path", path], ...common]);
    const all = [...common, ...paths.map((path): Header => [":path", path])].filter((header) => staticIndexOf(header) === 0);
    this.#neededBytes = all.reduce((sum, header) => sum + entryBytes(header), 0);
    this.#frames = paths.map(() => undefined);
  }

  /** Uncompressed, as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2): the longest of all. */
  get listBytesMax(): number {
    return Math.max(...this.#lists.map((list) => list.reduce((sum, header) => sum + entryBytes(header), 0)));
  }

  /**
   * The server's decoder takes a table of so many bytes from now on. Where that changes anything the table is emptied, which every decoder follows, and
   * begins anew (RFC 7541 section 4.2).
   */
  resizeTable(bytes: number): void {
    const capacity = Math.min(bytes, defaultTableBytes);
    if (capacity === this.#capacityBytes) return;
    this.#capacityBytes = capacity;
    this.#entries = [];
    this.#frames.fill(undefined);
    this.#resizes = Buffer.concat([encodeInteger(0x20, 5, 0), encodeInteger(0x20, 5, capacity)]);
  }

  /** The frames of the next request of a route, with stream id 0. To be sent: the next ones build on them. */
  next(route: number): Buffer {
    return this.#frames[route] ?? this.#encode(route);
  }

  #encode(route: number): Buffer {
    const isTableUsed = this.#neededBytes <= this.#capacityBytes;
    const entriesBefore = this.#entries.length;
    const fields = (this.#lists[route] ?? []).map((header) => (isTableUsed ? this.#indexed(header) : literal(header, 0x00, 4)));
    const frames = headersBytes(0, 0, Buffer.concat([this.#resizes, ...fields]));
    if (this.#entries.length > entriesBefore) this.#frames.fill(undefined);
    else if (this.#resizes.length === 0) this.#frames[route] = frames;
    this.#resizes = Buffer.alloc(0);
    return frames;
  }

  #indexed(header: Header): Buffer {
    const place = this.#entries.findLastIndex(([name, value]) => name === header[0] && value === header[1]);
    if (place >= 0) return encodeInteger(0x80, 7, staticTable.length + this.#entries.length - place);
    const index = staticIndexOf(header);
    if (index > 0) return encodeInteger(0x80, 7, index);
    this.#entries.push(header);
    return literal(header, 0x40, 6);
  }
}

/** Of a header that stands in the static table with its value; 0 where it does not. */
function staticIndexOf([name, value]: Header): number {
  return staticTable.findIndex((entry) => entry[0] === name && entry[1] === value) + 1;
}

/** @param pattern - 0x40 with 6 bits of prefix goes into the table, 0 with 4 does not (RFC 7541 section 6.2). */
function literal([name, value]: Header, pattern: number, prefixBits: number): Buffer {
  const nameIndex = staticTable.findIndex((entry) => entry[0] === name) + 1;
  return Buffer.concat([
    encodeInteger(pattern, prefixBits, nameIndex),
    ...(nameIndex === 0 ? [encodeString(name)] : []),
    encodeString(value),
  ]);
}
