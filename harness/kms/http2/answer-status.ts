import { Http2Error } from "./frames.ts";
import { HpackDecoder } from "./hpack.ts";

/** The statuses that the static table holds, from index 8 on (RFC 7541 appendix A). */
const indexedStatuses: readonly number[] = [200, 204, 206, 304, 400, 404, 500];
const firstIndex = 8;
const lastIndex = firstIndex + indexedStatuses.length - 1;

/** Statuses by the bytes that said them: length byte and two or three bytes of a string of RFC 7541 section 5.2, as one number. */
const known = new Map<number, number>();

/**
 * The `:status` of the header block from `from` to `to`, and nothing else of it, for clients that have set SETTINGS_HEADER_TABLE_SIZE to 0: then no
 * block depends on another, and what follows the status, which comes first (RFC 9113 section 8.3), need not be looked at.
 *
 * @returns undefined for trailers, which have no status
 * @throws Http2Error where the beginning is that of no block, or the status is no number of three digits
 */
export function statusOfBlock(bytes: Buffer, from: number, to: number): number | undefined {
  let at = from;
  // An encoder that is told to give up its table says so at the beginning of its next block (RFC 7541 section 6.3).
  while (at < to && bytes[at] === 0x20) at++;
  const first = at < to ? (bytes[at] ?? 0) : 0;
  if (first >= 0x80) {
    const status = indexedStatuses[(first & 0x7f) - firstIndex];
    if (status !== undefined) return status;
  }
  const key = first < 0x80 ? keyOfLiteral(bytes, at, to) : 0;
  const before = key === 0 ? undefined : known.get(key);
  if (before !== undefined) return before;
  const text = new HpackDecoder().decode(bytes.subarray(at, to)).find(([name]) => name === ":status")?.[1];
  if (text === undefined) return undefined;
  if (!/^[1-9]\d\d$/.test(text)) throw new Http2Error("the server answers with a :status that is none");
  const status = Number(text);
  if (key !== 0) known.set(key, status);
  return status;
}

/** Of a field whose name is :status by index, and whose value has two or three bytes (with or without Huffman code); 0 for any other. */
function keyOfLiteral(bytes: Buffer, at: number, to: number): number {
  const first = bytes[at] ?? 0;
  // With 0x40 for a literal that would go into the table and 0x10 for one that must never (RFC 7541 section 6.2).
  const nameIndex = first >= 0x40 ? first & 0x3f : first & 0x2f;
  if (nameIndex < firstIndex || nameIndex > lastIndex || to - at < 5) return 0;
  const string = bytes.readUInt32BE(at + 1);
  const length = (string >>> 24) & 0x7f;
  return length === 3 ? string : length === 2 ? (string & 0xffffff00) >>> 0 : 0;
}
