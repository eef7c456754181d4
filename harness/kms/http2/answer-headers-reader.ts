import { grpcCodeOfHttpStatus, grpcCodeOfTrailers, percentDecode } from "./grpc.ts";
import { type Header, HpackDecoder } from "./hpack.ts";

/** A gRPC status other than OK, with its reason in words. */
export interface GrpcFailure {
  readonly code: number;
  readonly text: string;
}

/** What one header block of an answer says to a client of gRPC, as headers and as trailers. */
export interface AnswerHeaders {
  /** Undefined in trailers. */
  readonly httpStatus: string | undefined;
  /** Taken as the headers at an answer's beginning: why no gRPC answer can follow. */
  readonly notGrpc: GrpcFailure | undefined;
  /** Undefined where the block has no `grpc-status`. */
  readonly grpcCode: number | undefined;
  /** The failure that `grpc-status` tells; undefined for OK, and where there is none. */
  readonly failure: GrpcFailure | undefined;
}

/** A block that did not change the table. */
interface KnownBlock {
  readonly bytes: Buffer;
  readonly meaning: AnswerHeaders;
}

const knownMax = 8;
/** Long blocks are told apart too slowly to be worth it, and do not come again and again. */
const knownBytesMax = 256;
const messageLengthMax = 300;

/**
 * Reads the header blocks of a connection's answers, all of them and in order. A server says the same again and again, and in the same bytes: those are
 * recognised as long as the table of RFC 7541 section 2.3 has not changed, without making anything of them.
 */
export class AnswerHeadersReader {
  readonly #decoder = new HpackDecoder();
  #known: KnownBlock[] = [];
  #next = 0;

  /** @throws Http2Error on a block that RFC 7541 does not allow; the reader cannot be used afterwards. */
  read(bytes: Buffer, from: number, to: number): AnswerHeaders {
    for (const known of this.#known) if (isAt(bytes, from, to, known.bytes)) return known.meaning;
    const block = bytes.subarray(from, to);
    const changesBefore = this.#decoder.changes;
    const meaning = meaningOf(this.#decoder.decode(block));
    if (this.#decoder.changes !== changesBefore) {
      this.#known = [];
      this.#next = 0;
    } else if (block.length <= knownBytesMax) {
      this.#known[this.#next] = { bytes: Buffer.from(block), meaning };
      this.#next = (this.#next + 1) % knownMax;
    }
    return meaning;
  }
}

function isAt(bytes: Buffer, from: number, to: number, known: Buffer): boolean {
  const length = known.length;
  if (to - from !== length) return false;
  for (let at = 0; at < length; at++) if (bytes[from + at] !== known[at]) return false;
  return true;
}

function meaningOf(headers: readonly Header[]): AnswerHeaders {
  const httpStatus = headerOf(headers, ":status");
  const contentType = headerOf(headers, "content-type");
  const hasStatus = headerOf(headers, "grpc-status") !== undefined;
  const grpcCode = hasStatus ? grpcCodeOfTrailers(headers) : undefined;
  const text = percentDecode(headerOf(headers, "grpc-message") ?? "").slice(0, messageLengthMax);
  return {
    httpStatus,
    notGrpc: notGrpcBecause(httpStatus, contentType),
    grpcCode,
    failure: grpcCode === undefined || grpcCode === 0 ? undefined : { code: grpcCode, text },
  };
}

function notGrpcBecause(httpStatus: string | undefined, contentType: string | undefined): GrpcFailure | undefined {
  if (httpStatus === undefined) return { code: grpcCodeOfHttpStatus(""), text: "the answer has no :status" };
  if (httpStatus !== "200")
    return { code: grpcCodeOfHttpStatus(httpStatus), text: `the answer has the HTTP status ${httpStatus.slice(0, 20)}` };
  if (/^application\/grpc([+;]|$)/.test(contentType ?? "")) return undefined;
  return {
    code: grpcCodeOfHttpStatus(httpStatus),
    text: `the answer is no gRPC: its content-type is ${JSON.stringify(contentType?.slice(0, 60) ?? "")}`,
  };
}

function headerOf(headers: readonly Header[], wanted: string): string | undefined {
  return headers.find(([name]) => name === wanted)?.[1];
}
