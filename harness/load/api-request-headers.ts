import { TargetError } from "../errors.ts";
import { frameFlags, headersBytes, payloadBytesMax } from "../kms/http2/frames.ts";
import { encodeLiterals, type Header } from "../kms/http2/hpack.ts";
import type { ApiAccess } from "../target/target.ts";

/** What goes into a request's headers. */
export interface RequestHead {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** `application/json` where none is given. */
  readonly contentType: string | undefined;
  /** Zero where there is no body. */
  readonly bodyBytes: number;
}

/**
 * Makes HEADERS frames for one API server, of literals alone: they are the same on every connection. What it costs the server to read some more bytes is
 * far below what can be measured.
 */
export class ApiRequestHeaders {
  readonly #method = new Map<string, Buffer>();
  readonly #contentType = new Map<string, Buffer>();
  readonly #fixed: Buffer;
  readonly #authority: string;
  /** Requests of a load that differ in nothing but their bodies share one. */
  #last: { readonly head: RequestHead; readonly frame: Buffer } | undefined;

  constructor({ url, identity }: ApiAccess) {
    const headers: Header[] = [
      ["accept", "application/json"],
      ["user-agent", "kmsmark"],
    ];
    if (identity.kind === "token") headers.push(["authorization", `Bearer ${identity.token}`]);
    this.#authority = new URL(url).host;
    this.#fixed = encodeLiterals(headers);
  }

  /**
   * With stream id 0; it ends the stream where there is no body. Whoever gets it must not write into it.
   * @throws TargetError `token-too-long`; RangeError for a path that cannot be one
   */
  frameOf(head: RequestHead): Buffer {
    if (this.#last !== undefined && isSameHead(this.#last.head, head)) return this.#last.frame;
    const block = this.blockOf(head);
    if (block.length > payloadBytesMax) {
      throw new TargetError("token-too-long", "The token of the API server's client is too long for a request.");
    }
    const frame = headersBytes(0, head.bodyBytes === 0 ? frameFlags.endStream : 0, block);
    this.#last = { head, frame };
    return frame;
  }

  /** @throws RangeError for a path that cannot be one */
  blockOf({ method, path, contentType = "application/json", bodyBytes }: RequestHead): Buffer {
    if (!/^\/[!-~]*$/.test(path)) throw new RangeError("A request's path is not of visible ASCII characters alone.");
    const start = kept(this.#method, method, () => [
      [":method", method],
      [":scheme", "https"],
      [":authority", this.#authority],
    ]);
    const parts = [start, encodeLiterals([[":path", path]]), this.#fixed];
    if (bodyBytes > 0) {
      parts.push(kept(this.#contentType, contentType, () => [["content-type", contentType]]));
      parts.push(encodeLiterals([["content-length", String(bodyBytes)]]));
    }
    return Buffer.concat(parts);
  }
}

function kept(blocks: Map<string, Buffer>, key: string, headers: () => readonly Header[]): Buffer {
  const before = blocks.get(key);
  if (before !== undefined) return before;
  const block = encodeLiterals(headers());
  blocks.set(key, block);
  return block;
}

function isSameHead(a: RequestHead, b: RequestHead): boolean {
  return a.path === b.path && a.bodyBytes === b.bodyBytes && a.method === b.method && a.contentType === b.contentType;
}
