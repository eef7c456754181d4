import { Http2Error } from "./frames.ts";
import { decodeHuffman } from "./huffman.ts";

/** A header field; name and value hold one character per byte. */
export type Header = readonly [name: string, value: string];

/** RFC 7541 appendix A; the first entry has index 1. */
export const staticTable: readonly Header[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  ...["200", "204", "206", "304", "400", "404", "500"].map((status): Header => [":status", status]),
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ...[
    ..."accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control".split(" "),
    ..."content-disposition content-encoding content-language content-length content-location content-range content-type".split(" "),
    ..."cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since".split(" "),
    ..."last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after".split(" "),
    ..."server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate".split(" "),
  ].map((name): Header => [name, ""]),
];

/** The size of the table with which every connection begins (RFC 9113 section 6.5.2). */
export const defaultTableBytes = 4096;
/** An encoder that wants a bigger table than this is not followed: the table is memory that a peer controls. */
const tableBytesMax = 1 << 20;

/** Decodes the header blocks of one direction of one connection, all of them and in order (RFC 7541). */
export class HpackDecoder {
  /** The newest entry is the last. */
  #entries: Header[] = [];
  #bytes = 0;
  #capacityBytes = defaultTableBytes;
  #capacityBytesMax = defaultTableBytes;
  #block: Uint8Array = new Uint8Array(0);
  #at = 0;
  #resizeBytes = 0;
  #changes = 0;

  /** Grows with every change of the table: a block that was decoded without one means the same until the next. */
  get changes(): number {
    return this.#changes;
  }

  /** How many bytes at the last block's beginning change the table's size. */
  get resizeBytes(): number {
    return this.#resizeBytes;
  }

  /**
   * The other side has announced SETTINGS_HEADER_TABLE_SIZE. When its peer will obey cannot be seen from here, so a smaller value
   * than before does not make the decoder stricter.
   */
  allowTable(bytes: number): void {
    this.#capacityBytesMax = Math.min(tableBytesMax, Math.max(this.#capacityBytesMax, bytes));
  }

  /** @throws Http2Error on a block that RFC 7541 does not allow; the decoder cannot be used afterwards. */
  decode(block: Uint8Array): Header[] {
    this.#block = block;
    this.#at = 0;
    this.#resizeBytes = 0;
    const headers: Header[] = [];
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if ((first & 0x80) !== 0) {
        headers.push(this.#entry(this.#integer(7)));
      } else if ((first & 0x40) !== 0) {
        const header = this.#literal(6);
        this.#add(header);
        headers.push(header);
      } else if ((first & 0x20) !== 0) {
        if (headers.length > 0) throw new Http2Error("a header block changes the table's size after its first header");
        this.#resize(this.#integer(5));
        this.#resizeBytes = this.#at;
      } else {
        headers.push(this.#literal(4));
      }
    }
    return headers;
  }

  #literal(prefixBits: number): Header {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    return [name, this.#string()];
  }

  #entry(index: number): Header {
    const entry = index <= staticTable.length ? staticTable[index - 1] : this.#entries[this.#entries.length - (index - staticTable.length)];
    if (entry === undefined) throw new Http2Error(`a header block names entry ${index}, which is in no table`);
    return entry;
  }

  /** RFC 7541 section 5.1. */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new Http2Error("a header block holds an integer that is too big");
  }

  /** RFC 7541 section 5.2. */
  #string(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Http2Error("a header block ends within a header");
    this.#at += length;
    return isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new Http2Error("a header block ends within a header");
    return byte;
  }

  #resize(bytes: number): void {
    if (bytes > this.#capacityBytesMax) throw new Http2Error(`a header block asks for a table of ${bytes} bytes, more than was allowed`);
    this.#capacityBytes = bytes;
    this.#changes++;
    this.#evict(0);
  }

  #add(header: Header): void {
    const bytes = entryBytes(header);
    this.#changes++;
    this.#evict(bytes);
    if (bytes > this.#capacityBytes) return;
    this.#entries.push(header);
    this.#bytes += bytes;
  }

  /** Makes room for `neededBytes`, oldest entry first. */
  #evict(neededBytes: number): void {
    let evicted = 0;
    for (const entry of this.#entries) {
      if (this.#bytes + neededBytes <= this.#capacityBytes) break;
      this.#bytes -= entryBytes(entry);
      evicted++;
    }
    this.#entries.splice(0, evicted);
  }
}

/** What an entry takes of a table (RFC 7541 section 4.1). */
export function entryBytes([name, value]: Header): number {
  return name.length + value.length + 32;
}

/**
 * A header block of literals that are never indexed: it means the same to every decoder and changes the table of none, so that it may
 * stand between two blocks of somebody else's encoder. Never, so that a header that must not be indexed stays so (RFC 7541 section 6.2.3).
 */
export function encodeLiterals(headers: readonly Header[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0x10), encodeString(name), encodeString(value)]));
}

/** A string as RFC 7541 section 5.2 has it, without Huffman code. */
export function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([encodeInteger(0, 7, bytes.length), bytes]);
}

/**
 * An integer of RFC 7541 section 5.1.
 * @param pattern - the bits of its first byte that stand before the prefix.
 */
export function encodeInteger(pattern: number, prefixBits: number, value: number): Buffer {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return Buffer.of(pattern | value);
  const bytes = [pattern | mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
