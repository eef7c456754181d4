import { randomUUID } from "node:crypto";
import { Agent, type Dispatcher } from "undici";
import type { z } from "zod";
import type { Clock } from "../../harness/clock.ts";
import { systemCodeOf } from "../../harness/errors.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { CredentialProvider, Credentials } from "./credentials.ts";
import { AlibabaFault, faultOfAnswer } from "./fault.ts";
import { canonicalQuery, emptyPayloadHash, hashPayload, type Parameters, signedHeaderNames, signV3 } from "./signature.ts";

/** Without a nearer deadline of the caller's, a call ends after this. */
export const callMsMax = 10_000;
const connectionsMax = 32;
/** No answer of these services is longer; more is not read. */
const answerBytesMax = 1024 * 1024;

/** One service of the cloud, as its requests name it. */
export interface Product {
  /** For sentences: `KMS`. */
  readonly name: string;
  /** `2016-01-20`. */
  readonly version: string;
}

export interface AlibabaClientOptions {
  readonly product: Product;
  /** As `endpointOf` gives it. */
  readonly endpoint: URL;
  /** Undefined for the few calls that nobody signs. */
  readonly credentials: CredentialProvider | undefined;
  readonly clock: Clock;
  /** Stands before each request, but not before the credentials' own. */
  readonly breaker?: CircuitBreaker;
}

export interface CallOptions {
  /** Ends the call, which then rejects with its reason. */
  readonly signal: AbortSignal;
}

/** A call in the style ROA: a method, a path, a body in JSON. */
export interface RoaRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** `/clusters/c1/kms`; its parts percent-encoded. */
  readonly path: string;
  /** `UpdateKMSEncryption`. */
  readonly action: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What a provider needs of a client. */
export interface RpcCaller extends AsyncDisposable {
  rpc<Answer>(action: string, parameters: Readonly<Record<string, string>>, schema: z.ZodType<Answer>, call: CallOptions): Promise<Answer>;
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly action: string;
  readonly query: Parameters;
  readonly body: Uint8Array | undefined;
  readonly contentType: string | undefined;
}

/**
 * Calls of one service at one endpoint, signed with ACS3-HMAC-SHA256, over connections that are kept. Nothing is repeated, but for one
 * case: credentials that the service takes for expired are renewed, and the call is made once more.
 *
 * Every call rejects with an {@link AlibabaFault}, or with its signal's reason when that came first.
 */
export class AlibabaClient implements RpcCaller {
  readonly #options: AlibabaClientOptions;
  readonly #agent: Agent;

  constructor(options: AlibabaClientOptions) {
    this.#options = options;
    this.#agent = new Agent({
      pipelining: 1,
      // kube-apiserver has some ten calls under way. More connections would cost more handshakes than they save: at 20 ms a call these carry
      // 1600 calls a second.
      connections: connectionsMax,
      allowH2: false,
      connect: { timeout: callMsMax },
      // The clock that was given tells when time is over, not undici's.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 10_000,
    });
  }

  /** A call in the style RPC: all parameters stand in the query, KMS documents nothing else (spec alibaba-cloud 1.1). */
  rpc<Answer>(action: string, parameters: Readonly<Record<string, string>>, schema: z.ZodType<Answer>, call: CallOptions): Promise<Answer> {
    return this.#call(
      { method: "POST", path: "/", action, query: Object.entries(parameters), body: undefined, contentType: undefined },
      schema,
      call,
    );
  }

  /** The same with the parameters in the body, for what must not stand in a URL and where the service takes it there. */
  rpcForm<Answer>(
    action: string,
    parameters: Readonly<Record<string, string>>,
    schema: z.ZodType<Answer>,
    call: CallOptions,
  ): Promise<Answer> {
    const body = Buffer.from(canonicalQuery(Object.entries(parameters)));
    const contentType = "application/x-www-form-urlencoded";
    return this.#call({ method: "POST", path: "/", action, query: [], body, contentType }, schema, call);
  }

  roa<Answer>({ method, path, action, query = {}, body }: RoaRequest, schema: z.ZodType<Answer>, call: CallOptions): Promise<Answer> {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const contentType = bytes === undefined ? undefined : "application/json";
    return this.#call({ method, path, action, query: Object.entries(query), body: bytes, contentType }, schema, call);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #call<Answer>(sent: Sent, schema: z.ZodType<Answer>, { signal }: CallOptions): Promise<Answer> {
    signal.throwIfAborted();
    const { clock, credentials, product, breaker } = this.#options;
    const tooLate = new AbortController();
    const late = () =>
      new AlibabaFault("deadline", product.name, `${product.name} did not answer ${sent.action} within ${callMsMax / 1000} s.`);
    // Made only when it is needed: an error with its stack costs as much as a signature.
    using _timer = clock.startTimer(callMsMax, () => tooLate.abort(late()));
    const either = AbortSignal.any([signal, tooLate.signal]);

    const send = (key: Credentials | undefined) => {
      const request = () => this.#send(sent, key, either);
      return breaker === undefined ? request() : breaker.run(request);
    };
    const key = await credentials?.current(either);
    const answer = await send(key).catch(async (thrown: unknown) => {
      const next = key !== undefined && isRefusedKey(thrown) ? await credentials?.renewed(key, either) : undefined;
      if (next === undefined) throw thrown;
      return send(next);
    });
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw this.#badAnswer(sent);
    return parsed.data;
  }

  async #send(sent: Sent, key: Credentials | undefined, signal: AbortSignal): Promise<unknown> {
    const { product, endpoint } = this.#options;
    const query = canonicalQuery(sent.query);
    try {
      const response = await this.#agent.request({
        origin: endpoint.origin,
        path: query === "" ? sent.path : `${sent.path}?${query}`,
        method: sent.method,
        headers: this.#headers(sent, key),
        body: sent.body ?? null,
        signal,
      });
      const text = await readText(response.body);
      if (text === undefined) throw this.#badAnswer(sent);
      const body = jsonOf(text);
      const { statusCode: status } = response;
      const retryAfter = response.headers["x-acs-retry-after"];
      if (status < 200 || status > 299) {
        throw faultOfAnswer(product.name, sent.action, {
          status,
          retryAfter: typeof retryAfter === "string" ? retryAfter : undefined,
          body,
        });
      }
      if (text !== "" && body === undefined) throw this.#badAnswer(sent);
      return body;
    } catch (thrown) {
      signal.throwIfAborted();
      throw thrown instanceof AlibabaFault ? thrown : transportFault(product.name, sent.action, thrown);
    }
  }

  #headers(sent: Sent, key: Credentials | undefined): Record<string, string> {
    const { product, endpoint, clock } = this.#options;
    const payloadHash = sent.body === undefined ? emptyPayloadHash : hashPayload(sent.body);
    const headers = new Map([
      ["host", endpoint.host],
      ["x-acs-action", sent.action],
      ["x-acs-version", product.version],
      ["x-acs-date", new Date(clock.wallMs()).toISOString().replace(/\.\d+Z$/, "Z")],
      ["x-acs-signature-nonce", randomUUID()],
      ["x-acs-content-sha256", payloadHash],
      ...(sent.contentType === undefined ? [] : [["content-type", sent.contentType] as const]),
    ]);
    if (key !== undefined) {
      if (key.securityToken !== undefined) {
        headers.set("x-acs-accesskey-id", key.accessKeyId);
        headers.set("x-acs-security-token", key.securityToken);
      }
      const signature = signV3({ method: sent.method, path: sent.path, query: sent.query, headers, payloadHash }, key.accessKeySecret);
      const signed = signedHeaderNames(headers);
      headers.set("authorization", `ACS3-HMAC-SHA256 Credential=${key.accessKeyId},SignedHeaders=${signed},Signature=${signature}`);
    }
    return { ...Object.fromEntries(headers), accept: "application/json", "user-agent": "kmsmark" };
  }

  #badAnswer({ action }: Sent): AlibabaFault {
    const { name } = this.#options.product;
    return new AlibabaFault("bad-answer", name, `${name} answered ${action} in a way that is not documented.`);
  }
}

/** The text, or undefined where it is longer than any answer. */
async function readText(body: Dispatcher.ResponseData["body"]): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    if (!(part instanceof Uint8Array)) return undefined;
    bytes += part.length;
    if (bytes > answerBytesMax) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Undefined for what is no JSON: a gateway's page in HTML, and what has no body. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Codes by which the gateway says that it does not know the key, or no longer (spec alibaba-cloud 1.6). */
function isRefusedKey(thrown: unknown): boolean {
  const code = thrown instanceof AlibabaFault ? thrown.facts.serviceCode : undefined;
  return code !== undefined && /^(InvalidSecurityToken(\.|$)|InvalidAccessKeyId(\.|$))/.test(code);
}

const timeoutCodes: readonly string[] = ["ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"];

/** What a transport throws holds the URL, and so the plaintext: only a code in capitals is taken over. */
function transportFault(product: string, action: string, thrown: unknown): AlibabaFault {
  const systemCode = systemCodeOf(thrown);
  const code = systemCode !== undefined && /^[A-Z][A-Z_]{2,39}$/.test(systemCode) ? ` (${systemCode})` : "";
  return timeoutCodes.includes(systemCode ?? "")
    ? new AlibabaFault("deadline", product, `${product} did not answer ${action} in time${code}.`)
    : new AlibabaFault("unavailable", product, `${product} could not be reached for ${action}, or broke off${code}.`);
}
