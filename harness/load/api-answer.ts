import { z } from "zod";
import type { Outcome } from "./promise-sender.ts";

/** What kube-apiserver answers when it refuses (k8s.io/apimachinery, meta/v1 Status). */
const statusSchema = z.object({ kind: z.literal("Status"), message: z.string().optional(), reason: z.string().optional() });

const listSchema = z.object({ metadata: z.object({ continue: z.string().optional() }) });

/** The API server's complete answer to one request. */
export class ApiAnswer implements Outcome {
  /** The HTTP status. */
  readonly status: number;
  /** Every byte of the body. It may hold secrets. */
  readonly body: Uint8Array;
  /** What the caller counts as success besides 2xx. */
  #expected: number | undefined;
  /** Names of the request, which {@link failure} leaves out. */
  #names: readonly string[];

  constructor(
    status: number,
    body: Uint8Array,
    { expected, names = [] }: { expected?: number | undefined; names?: readonly string[] } = {},
  ) {
    this.status = status;
    this.body = body;
    this.#expected = expected;
    this.#names = names;
  }

  /**
   * Why the request failed, in the API server's words; undefined when it succeeded. The object's own name stands as `…`, so that one
   * fault of many objects reads as one. A 400 gives its reason alone, because its message may quote what it could not decode.
   */
  get failure(): string | undefined {
    if ((this.status >= 200 && this.status < 300) || this.status === this.#expected) return undefined;
    const parsed = statusSchema.safeParse(this.#jsonOrUndefined());
    if (!parsed.success) return `HTTP ${this.status} without a Kubernetes Status`;
    const { message, reason = `HTTP ${this.status}` } = parsed.data;
    if (message === undefined || this.status === 400) return reason;
    return this.#names.reduce((text, name) => text.replaceAll(name, "…"), message);
  }

  /** The body as UTF-8. */
  text(): string {
    return Buffer.from(this.body.buffer, this.body.byteOffset, this.body.byteLength).toString("utf8");
  }

  /** The body as JSON; parsed anew at each call. Throws SyntaxError when it is none. */
  json(): unknown {
    return JSON.parse(this.text());
  }

  /**
   * Where the next page of a list begins; undefined after the last. kube-apiserver writes `metadata` before `items`, so a page of
   * megabytes need not be parsed for it; any other order is, and then throws SyntaxError or ZodError when the body is no list.
   */
  continueToken(): string | undefined {
    const start = Buffer.from(this.body.buffer, this.body.byteOffset, Math.min(this.body.byteLength, 8192)).toString("latin1");
    const head = /^\s*\{(?:"kind":"[^"]*",|"apiVersion":"[^"]*",)*"metadata":(\{[^{}]*\}),"items":/.exec(start)?.[1];
    const list = head === undefined ? this.json() : { metadata: JSON.parse(head) };
    return listSchema.parse(list).metadata.continue || undefined;
  }

  #jsonOrUndefined(): unknown {
    try {
      return this.json();
    } catch {
      return undefined;
    }
  }
}
