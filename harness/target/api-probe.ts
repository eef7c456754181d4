import { Agent, request } from "undici";
import { z } from "zod";
import { TargetError } from "../errors.ts";
import type { ApiAccess } from "./target.ts";

const versionSchema = z.object({ gitVersion: z.string() });
/** A health check behind /readyz may wait for a KMS plugin that hangs. */
const answerWithinMs = 20_000;

/** Asks an API server the few things that concern the server itself: is it ready, which version is it. */
export class ApiProbe implements AsyncDisposable {
  readonly #api: ApiAccess;
  readonly #agent: Agent;

  constructor(api: ApiAccess) {
    this.#api = api;
    const { identity } = api;
    this.#agent = new Agent({
      connect: { ca: api.caPem, ...(identity.kind === "certificate" ? { cert: identity.certificatePem, key: identity.keyPem } : {}) },
      headersTimeout: answerWithinMs,
      bodyTimeout: answerWithinMs,
    });
  }

  /** Undefined if /readyz answers 200; otherwise the checks that fail, as the server names them: `[-]kms-providers failed: reason withheld`. */
  async complaint(signal: AbortSignal): Promise<string | undefined> {
    const { status, text } = await this.#get("/readyz", signal);
    if (status === 200) return undefined;
    const failing = text.split("\n").filter((line) => line.startsWith("[-]"));
    return failing.length > 0 ? failing.join(", ") : `HTTP status ${status}`;
  }

  /** `v1.37.2`, from /version. */
  async version(signal: AbortSignal): Promise<string> {
    const { status, text } = await this.#get("/version", signal);
    const version = status === 200 ? versionSchema.safeParse(parseJson(text)).data?.gitVersion : undefined;
    if (version === undefined) {
      throw new TargetError("no-api-server", `${this.#api.url} does not say its version as an API server does (HTTP status ${status}).`);
    }
    return version;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #get(path: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    const { identity } = this.#api;
    const response = await request(`${this.#api.url}${path}`, {
      dispatcher: this.#agent,
      signal,
      ...(identity.kind === "token" ? { headers: { authorization: `Bearer ${identity.token}` } } : {}),
    });
    return { status: response.statusCode, text: await response.body.text() };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
