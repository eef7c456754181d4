import { Agent, request } from "undici";
import { z } from "zod";
import { messageOf, TargetError } from "../errors.ts";
import type { Store, StoredValue } from "./target.ts";

/** Where an etcd answers, and what a client needs to be let in; all optional for an etcd without TLS. */
export interface EtcdAccess {
  /** `https://127.0.0.1:2379`, without a trailing slash. */
  readonly url: string;
  /** Absent: the authorities that Node.js trusts. */
  readonly caPem?: string | undefined;
  readonly certificatePem?: string | undefined;
  readonly keyPem?: string | undefined;
}

const newline = 0x0a;
const base64Schema = z.string().transform((text) => Buffer.from(text, "base64"));
const int64Schema = z.string().regex(/^\d+$/).transform(Number);
// The gateway leaves out what is empty or zero (protobuf's JSON mapping).
const keyValueSchema = z.object({ key: base64Schema, value: base64Schema.default(Buffer.alloc(0)), mod_revision: int64Schema });
const rangeSchema = z.object({
  header: z.object({ revision: int64Schema }),
  kvs: z.array(keyValueSchema).default([]),
  more: z.boolean().default(false),
});
/** One message of a watch: some changes, or that it was ended because its first revision is no longer kept. */
const watchSchema = z.object({
  result: z.object({
    canceled: z.boolean().default(false),
    compact_revision: int64Schema.optional(),
    events: z.array(z.object({ type: z.enum(["PUT", "DELETE"]).default("PUT"), kv: keyValueSchema })).default([]),
  }),
});
const faultSchema = z.object({ message: z.string() });
const versionSchema = z.object({ etcdserver: z.string() });

/** Secrets may have 1 MiB each: a page of them has to fit into one JSON text. */
const defaultPageKeys = 100;
const requestTimeoutMs = 30_000;
/** As the first key of a range and as its end, it stands for all there are (etcd's RangeRequest). */
const everyKey = Buffer.from([0]).toString("base64");

/**
 * Reads and writes an etcd over the JSON gateway of its v3 API, so that no second gRPC stack is needed.
 * Source: https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/
 * Every method throws TargetError `etcd-unreachable` where nothing answers, `etcd-refused` where etcd answers with an error.
 */
export class EtcdStore implements Store, AsyncDisposable {
  readonly #url: string;
  readonly #agent: Agent;
  readonly #pageKeys: number;

  constructor(access: EtcdAccess, options: { readonly pageKeys?: number } = {}) {
    this.#url = access.url;
    this.#pageKeys = options.pageKeys ?? defaultPageKeys;
    this.#agent = new Agent({
      connect: {
        ...(access.caPem === undefined ? {} : { ca: access.caPem }),
        ...(access.certificatePem === undefined ? {} : { cert: access.certificatePem }),
        ...(access.keyPem === undefined ? {} : { key: access.keyPem }),
      },
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
    });
  }

  /** All pages are read at the revision of the first: what is written meanwhile is not seen. */
  async *list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredValue> {
    const end = Buffer.from(endOfPrefix(Buffer.from(prefix))).toString("base64");
    let from = Buffer.from(prefix === "" ? "\0" : prefix);
    let revision: number | undefined;
    for (;;) {
      const page = rangeSchema.parse(
        await this.#call("range", { key: from.toString("base64"), range_end: end, limit: this.#pageKeys, revision }, signal),
      );
      revision ??= page.header.revision;
      for (const { key, value, mod_revision } of page.kvs) yield { key: key.toString(), value, modRevision: mod_revision };
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return;
      from = Buffer.concat([last.key, Buffer.from([0])]);
    }
  }

  /**
   * A watch of all keys from the first revision that is kept up to the present one, which is always that of some change. A watch of the
   * prefix alone would not tell when it has told everything.
   */
  async *history(prefix: string, signal?: AbortSignal): AsyncIterable<StoredValue> {
    const { header } = rangeSchema.parse(await this.#call("range", { key: everyKey, limit: 1 }, signal));
    for (let from = 1; from <= header.revision; ) {
      let kept: number | undefined;
      for await (const { compact_revision, canceled, events } of this.#watch(from, signal)) {
        if (canceled && compact_revision === undefined) throw this.#refused("/v3/watch", "it ended");
        kept = compact_revision;
        if (canceled) break;
        for (const { type, kv } of events) {
          if (kv.mod_revision > header.revision) return;
          const key = kv.key.toString();
          if (type === "PUT" && key.startsWith(prefix)) yield { key, value: kv.value, modRevision: kv.mod_revision };
        }
        if ((events.at(-1)?.kv.mod_revision ?? 0) >= header.revision) return;
      }
      if (kept === undefined) throw this.#refused("/v3/watch", "it ended");
      from = kept + 1;
    }
  }

  async get(key: string, signal?: AbortSignal): Promise<StoredValue | undefined> {
    const found = rangeSchema.parse(await this.#call("range", { key: Buffer.from(key).toString("base64") }, signal)).kvs[0];
    return found === undefined ? undefined : { key, value: found.value, modRevision: found.mod_revision };
  }

  async put(key: string, value: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#call("put", { key: Buffer.from(key).toString("base64"), value: Buffer.from(value).toString("base64") }, signal);
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    await this.#call("deleterange", { key: Buffer.from(key).toString("base64") }, signal);
  }

  /** What etcd says it is, `v3.7.3`. */
  async version(signal?: AbortSignal): Promise<string> {
    return `v${versionSchema.parse(await this.#send("GET", "/version", undefined, signal)).etcdserver}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  /** Every message of a watch of all keys, until the caller has enough. */
  async *#watch(revision: number, signal: AbortSignal | undefined) {
    const body = JSON.stringify({ create_request: { key: everyKey, range_end: everyKey, start_revision: revision } });
    const { body: stream } = await this.#request("POST", "/v3/watch", body, signal);
    try {
      for await (const line of linesOf(stream)) {
        const answer = parseJson(line);
        const message = watchSchema.safeParse(answer).data;
        if (message === undefined)
          throw this.#refused("/v3/watch", faultSchema.safeParse(answer).data?.message ?? "it tells of no changes");
        yield message.result;
      }
    } catch (thrown) {
      throw this.#unreachable(thrown, signal);
    } finally {
      // What it had still to tell is of no use, nor is the error by which undici says so.
      stream.on("error", () => {}).destroy();
    }
  }

  #call(method: "range" | "put" | "deleterange", body: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<unknown> {
    return this.#send("POST", `/v3/kv/${method}`, JSON.stringify(body), signal);
  }

  async #send(method: "GET" | "POST", path: string, body: string | undefined, signal: AbortSignal | undefined): Promise<unknown> {
    const { statusCode, body: stream } = await this.#request(method, path, body, signal);
    const answer = parseJson(
      await stream.text().catch((thrown: unknown) => {
        throw this.#unreachable(thrown, signal);
      }),
    );
    if (statusCode === 200 && answer !== undefined) return answer;
    throw this.#refused(path, faultSchema.safeParse(answer).data?.message ?? `HTTP status ${statusCode}`);
  }

  async #request(method: "GET" | "POST", path: string, body: string | undefined, signal: AbortSignal | undefined) {
    try {
      return await request(`${this.#url}${path}`, {
        method,
        dispatcher: this.#agent,
        ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (thrown) {
      throw this.#unreachable(thrown, signal);
    }
  }

  #unreachable(thrown: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true) return signal.reason;
    if (thrown instanceof TargetError) return thrown;
    return new TargetError("etcd-unreachable", `etcd does not answer at ${this.#url}: ${messageOf(thrown)}.`, { cause: thrown });
  }

  #refused(path: string, why: string): TargetError {
    return new TargetError("etcd-refused", `etcd at ${this.#url} refuses ${path}: ${why}.`);
  }
}

/** The first key after all that begin with `prefix`; a single zero byte stands for "to the end" (etcd's RangeRequest.range_end). */
function endOfPrefix(prefix: Uint8Array): Uint8Array {
  const lastToRaise = prefix.findLastIndex((byte) => byte < 0xff);
  if (lastToRaise < 0) return Uint8Array.of(0);
  const end = prefix.slice(0, lastToRaise + 1);
  end[lastToRaise] = (end[lastToRaise] ?? 0) + 1;
  return end;
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let line: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      yield Buffer.concat([...line, chunk.subarray(from, end)]).toString();
      line = [];
      from = end + 1;
    }
    line.push(chunk.subarray(from));
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
