import { type Dispatcher, Pool } from "undici";
import { z } from "zod";
import { TargetError } from "../errors.ts";
import type { ApiAccess } from "../target/target.ts";
import { ApiAnswer } from "./api-answer.ts";
import { noAnswer } from "./api-fault.ts";
import { createRequest, deleteRequest, getRequest, type LoadRequest, updateRequest } from "./load-request.ts";
import type { SecretRequest } from "./secret-spec.ts";

export interface SecretsClientOptions {
  readonly api: ApiAccess;
  /** How many connections there are at most. Each carries one request at a time, so this is also the most that is in flight. */
  readonly connections: number;
  /** A request fails when no byte of its answer comes for this long, in milliseconds. Default 70000: longer than kube-apiserver's own 60 s. */
  readonly timeoutMs?: number;
}

export interface ListOptions {
  /** Of all namespaces where none is given. */
  readonly namespace?: string;
  /** Items a page; all of them in one page where none is given. */
  readonly limit?: number;
  /** From {@link ApiAnswer.continueToken} of the page before. */
  readonly continueToken?: string;
}

/** Any request of the API. */
export interface ApiRequest extends LoadRequest {
  readonly signal?: AbortSignal | undefined;
}

const versionSchema = z.object({ gitVersion: z.string() });

/**
 * The part of the Kubernetes API that the benchmarks use, over HTTP/1.1 with one request a connection, so that requests do not wait for
 * one another in the client. TLS is verified against the access's CA alone, and the certificate must name the host.
 *
 * Every answer is an {@link ApiAnswer}, also a refusal. A request that gets none rejects with a TargetError: `api-unreachable`,
 * `api-untrusted` (the certificate), `api-timeout`; or with the signal's reason when that came first. Nothing is retried.
 */
export class SecretsClient implements AsyncDisposable {
  #api: ApiAccess;
  #connections: number;
  #pool: Pool;
  #headers: string[];
  #jsonHeaders: string[];

  constructor({ api, connections, timeoutMs = 70_000 }: SecretsClientOptions) {
    const { identity } = api;
    this.#api = api;
    this.#connections = connections;
    this.#pool = new Pool(api.url, {
      connections,
      pipelining: 1,
      allowH2: false,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connectTimeout: 10_000,
      // Longer than any pause between two phases, so that none begins with handshakes.
      keepAliveTimeout: 60_000,
      connect: {
        ca: api.caPem,
        rejectUnauthorized: true,
        ...(identity.kind === "certificate" ? { cert: identity.certificatePem, key: identity.keyPem } : {}),
      },
    });
    this.#headers = ["accept", "application/json", "user-agent", "kmsmark"];
    if (identity.kind === "token") this.#headers.push("authorization", `Bearer ${identity.token}`);
    this.#jsonHeaders = [...this.#headers, "content-type", "application/json"];
  }

  /** Opens every connection, so that no measured request pays for a handshake. */
  async warmUp(signal?: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#connections }, () => this.#send({ method: "GET", path: "/livez", signal })));
  }

  /** Creates a namespace; that it is there already counts as success. */
  createNamespace(name: string, signal?: AbortSignal): Promise<ApiAnswer> {
    const body = Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
    return this.#send({ method: "POST", path: "/api/v1/namespaces", body, expected: 409, names: [name], signal });
  }

  /** Deletes a namespace; that it is not there counts as success. Where no controller runs it stays in phase Terminating. */
  deleteNamespace(name: string, signal?: AbortSignal): Promise<ApiAnswer> {
    return this.#send({ method: "DELETE", path: `/api/v1/namespaces/${name}`, expected: 404, names: [name], signal });
  }

  createSecret(secret: SecretRequest, signal?: AbortSignal): Promise<ApiAnswer> {
    return this.#send({ ...createRequest(secret), signal });
  }

  getSecret(namespace: string, name: string, signal?: AbortSignal): Promise<ApiAnswer> {
    return this.#send({ ...getRequest({ namespace, name }), signal });
  }

  /** One page of Secrets. */
  listSecrets({ namespace, limit, continueToken }: ListOptions = {}, signal?: AbortSignal): Promise<ApiAnswer> {
    const query = new URLSearchParams();
    if (limit !== undefined) query.set("limit", String(limit));
    if (continueToken !== undefined) query.set("continue", continueToken);
    const of = namespace === undefined ? "" : `/namespaces/${namespace}`;
    return this.#send({ method: "GET", path: `/api/v1${of}/secrets${query.size === 0 ? "" : `?${query}`}`, signal });
  }

  /** Every page of a list; ends after the first that failed, which it yields too. */
  async *listPages(options: ListOptions & { readonly limit: number }, signal?: AbortSignal): AsyncGenerator<ApiAnswer, void> {
    let continueToken: string | undefined;
    do {
      const page = await this.listSecrets(continueToken === undefined ? options : { ...options, continueToken }, signal);
      yield page;
      continueToken = page.failure === undefined ? page.continueToken() : undefined;
    } while (continueToken !== undefined);
  }

  /** Replaces a Secret (PUT). To change nothing, hand in the body that {@link getSecret} gave. */
  updateSecret(secret: SecretRequest, signal?: AbortSignal): Promise<ApiAnswer> {
    return this.#send({ ...updateRequest(secret), signal });
  }

  /**
   * Reads a Secret and puts back exactly what was read, as `kubectl get -o json | kubectl replace -f -` does. The API server compares it
   * with the object in its watch cache and writes nothing if neither that nor the stored value's encryption is stale (spec
   * encryption-at-rest 6.3). Gives the answer to the PUT, or to the GET if that failed.
   */
  async replaceUnchanged(namespace: string, name: string, signal?: AbortSignal): Promise<ApiAnswer> {
    const read = await this.getSecret(namespace, name, signal);
    return read.failure === undefined ? this.updateSecret({ namespace, name, body: read.body }, signal) : read;
  }

  deleteSecret(namespace: string, name: string, signal?: AbortSignal): Promise<ApiAnswer> {
    return this.#send({ ...deleteRequest({ namespace, name }), signal });
  }

  /** The API server's own metrics in the Prometheus text format. Throws TargetError `api-refused` as well. */
  async metrics(signal?: AbortSignal): Promise<string> {
    return this.#expect(await this.#send({ method: "GET", path: "/metrics", signal }), "/metrics").text();
  }

  /** Which checks pass, as text; 200 when the API server is ready. */
  readyz(signal?: AbortSignal): Promise<ApiAnswer> {
    return this.#send({ method: "GET", path: "/readyz?verbose", signal });
  }

  /** The API server's version, `v1.37.2`. Throws TargetError `api-refused` as well. */
  async version(signal?: AbortSignal): Promise<string> {
    const answer = this.#expect(await this.#send({ method: "GET", path: "/version", signal }), "/version");
    return versionSchema.parse(answer.json()).gitVersion;
  }

  /** Whatever has no method of its own here. */
  request(request: ApiRequest): Promise<ApiAnswer> {
    return this.#send(request);
  }

  /** Closes every connection; what is in flight fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }

  #headersFor(contentType: string | undefined): string[] {
    return contentType === undefined ? this.#jsonHeaders : [...this.#headers, "content-type", contentType];
  }

  #expect(answer: ApiAnswer, path: string): ApiAnswer {
    if (answer.failure === undefined) return answer;
    throw new TargetError("api-refused", `The API server at ${this.#api.url} refuses ${path}: ${answer.failure}.`);
  }

  async #send({ method, path, body, contentType, expected, names, signal }: ApiRequest): Promise<ApiAnswer> {
    signal?.throwIfAborted();
    try {
      const { status, bytes } = await exchange(
        this.#pool,
        { method, path, body: body ?? null, headers: this.#headersFor(contentType) },
        signal,
      );
      return new ApiAnswer(status, bytes, { expected, ...(names === undefined ? {} : { names }) });
    } catch (thrown) {
      throw signal?.aborted === true ? signal.reason : noAnswer(this.#api.url, thrown);
    }
  }
}

/** One request and its complete answer. Undici's own `request` makes a stream of each body, at a fifth more CPU. */
function exchange(
  pool: Pool,
  request: Dispatcher.DispatchOptions,
  signal: AbortSignal | undefined,
): Promise<{ status: number; bytes: Uint8Array }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    let running: Dispatcher.DispatchController | undefined;
    // A request that waits for its connection has no controller yet: it is given up now and cut off when it gets one.
    const onAbort = () => {
      running?.abort(new Error("The request was cut off."));
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    pool.dispatch(request, {
      onRequestStart(controller) {
        running = controller;
        if (signal?.aborted === true) onAbort();
      },
      onResponseStart(_controller, statusCode) {
        status = statusCode;
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        signal?.removeEventListener("abort", onAbort);
        const [first] = chunks;
        resolve({ status, bytes: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks) });
      },
      onResponseError(_controller, error) {
        signal?.removeEventListener("abort", onAbort);
        reject(error);
      },
    });
  });
}
