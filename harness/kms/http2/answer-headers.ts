import { encodeLiterals } from "./hpack.ts";

/** What every connection begins with (RFC 9113 section 6.5.2). */
const defaultTableBytes = 4096;

const status200 = 0x88;
const contentType = encodeLiterals([["content-type", "application/grpc"]]).subarray(1);
const grpcStatusOk = encodeLiterals([["grpc-status", "0"]]).subarray(1);
/** Literals that are put into the table and literals that are not (RFC 7541 sections 6.2.1 and 6.2.2), with a name of their own. */
const [withIndexing, withoutIndexing] = [0x40, 0x00];

const blocks = {
  literal: {
    headers: Buffer.from([status200, withoutIndexing, ...contentType]),
    trailers: Buffer.from([withoutIndexing, ...grpcStatusOk]),
  },
  inserting: {
    headers: Buffer.from([status200, withIndexing, ...contentType]),
    trailers: Buffer.from([withIndexing, ...grpcStatusOk]),
  },
  /** The newest entry of the table is 62, the one before it 63. */
  newest: Buffer.of(status200, 0xbe),
  beforeNewest: Buffer.of(status200, 0xbf),
  newestTrailers: Buffer.of(0xbe),
};

/** Takes the table down to nothing (RFC 7541 section 6.3), which is never more than a client allows. */
const emptyTable = Buffer.of(0x20);

/**
 * Header blocks of a server that has only two to send over and over: those of an answer and of its end. Both go into the client's table
 * once, the headers always first; where the client does not keep as large a table as every connection begins with, they go as literals.
 */
export class AnswerHeaders {
  #isTableUsed = true;
  #mustEmptyTable = false;
  #hasHeaders = false;
  #hasTrailers = false;

  /** The client has announced SETTINGS_HEADER_TABLE_SIZE. */
  allowTable(bytes: number): void {
    if (bytes >= defaultTableBytes || !this.#isTableUsed) return;
    this.#isTableUsed = false;
    this.#mustEmptyTable = true;
  }

  /** The block before an answer's message. */
  headers(): Buffer {
    if (!this.#isTableUsed) return this.block(blocks.literal.headers);
    if (this.#hasTrailers) return blocks.beforeNewest;
    if (this.#hasHeaders) return blocks.newest;
    this.#hasHeaders = true;
    return blocks.inserting.headers;
  }

  /** The block after an answer's message: the call went well. */
  trailers(): Buffer {
    if (!this.#isTableUsed) return this.block(blocks.literal.trailers);
    if (this.#hasTrailers) return blocks.newestTrailers;
    this.#hasTrailers = true;
    return blocks.inserting.trailers;
  }

  /** Any other block, of literals alone, as it has to be sent now. */
  block(literals: Buffer): Buffer {
    if (!this.#mustEmptyTable) return literals;
    this.#mustEmptyTable = false;
    return Buffer.concat([emptyTable, literals]);
  }
}
