import { defaultTableBytes, encodeInteger, encodeString, entryBytes, type Header, staticTable } from "./hpack.ts";

/**
 * Encodes the header blocks of one direction of one connection, for somebody who sends the same few headers again and again: what comes for the first time
 * goes into the table of RFC 7541 section 2.3 as long as there is room, and is a byte ever after. Nothing is evicted.
 */
export class HeaderEncoder {
  #capacityBytes = defaultTableBytes;
  /** The newest is the last. */
  #entries: Header[] = [];
  #bytes = 0;
  /** The changes of the table's size that the next block has to begin with. */
  #resizes: Buffer = Buffer.alloc(0);
  #changes = 0;

  /** Grows with the table, and whenever that begins anew: until then the same headers are the same bytes. */
  get changes(): number {
    return this.#changes;
  }

  /** The decoder takes a table of so many bytes from now on. Where that changes anything the table begins anew (RFC 7541 section 4.2). */
  resizeTable(bytes: number): void {
    const capacityBytes = Math.min(bytes, defaultTableBytes);
    if (capacityBytes === this.#capacityBytes) return;
    this.#capacityBytes = capacityBytes;
    this.#entries = [];
    this.#bytes = 0;
    this.#changes++;
    this.#resizes = Buffer.concat([encodeInteger(0x20, 5, 0), encodeInteger(0x20, 5, capacityBytes)]);
  }

  /** The block has to be sent: those after it build on it. */
  encode(headers: readonly Header[]): Buffer {
    const resizes = this.#resizes;
    if (resizes.length > 0) this.#changes++;
    this.#resizes = Buffer.alloc(0);
    return Buffer.concat([resizes, ...headers.map((header) => this.#field(header))]);
  }

  #field(header: Header): Buffer {
    const [name, value] = header;
    const isSame = (entry: Header) => entry[0] === name && entry[1] === value;
    const place = this.#entries.findIndex(isSame);
    if (place !== -1) return encodeInteger(0x80, 7, staticTable.length + this.#entries.length - place);
    const index = staticTable.findIndex(isSame) + 1;
    if (index > 0) return encodeInteger(0x80, 7, index);
    const nameIndex = staticTable.findIndex((entry) => entry[0] === name) + 1;
    const rest = [...(nameIndex === 0 ? [encodeString(name)] : []), encodeString(value)];
    if (this.#bytes + entryBytes(header) > this.#capacityBytes) return Buffer.concat([encodeInteger(0x00, 4, nameIndex), ...rest]);
    this.#entries.push(header);
    this.#bytes += entryBytes(header);
    this.#changes++;
    return Buffer.concat([encodeInteger(0x40, 6, nameIndex), ...rest]);
  }
}
