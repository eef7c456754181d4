import { randomUUID } from "node:crypto";
import type { Clock } from "../../../harness/clock.ts";
import type { ActionTrail, RecordedCall } from "./action-trail.ts";
import { commonConditionKeys, mayDo } from "./authorization.ts";
import { type CloudFaults, errorOf } from "./faults.ts";
import type { Quotas } from "./quotas.ts";
import type { RamStore } from "./ram-store.ts";
import { type GatewayRequest, header, jsonBodyOf, parametersOf } from "./request.ts";
import { type Route, Routes } from "./routes.ts";
import { type Caller, type CloudAnswer, CloudError, type CloudService, type JsonObject } from "./service.ts";
import type { SessionStore } from "./sessions.ts";
import { claimedAccessKeyId, Verifier } from "./verification.ts";

export interface GatewayParts {
  readonly services: readonly CloudService[];
  readonly ram: RamStore;
  readonly sessions: SessionStore;
  readonly trail: Pick<ActionTrail, "record">;
  readonly quotas: Quotas;
  readonly faults: CloudFaults;
  readonly clock: Clock;
  /** Ends what waits. */
  readonly signal: AbortSignal;
  /** Told of an error that is none of {@link CloudError}; the caller gets a bare 500. */
  readonly onDefect: (thrown: unknown) => void;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly requestId: string;
  /** JSON, or nothing. */
  readonly text: string;
  readonly retryAfterMs?: number;
}

/** `dropped`: the connection is to be reset. `never`: no answer comes. */
export type GatewayOutcome = GatewayAnswer | "dropped" | "never";

/** Takes the place of Alibaba Cloud's API gateway: finds the operation, verifies who calls, keeps the quotas, writes everything down. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #routes: Routes;
  readonly #verifier: Verifier;

  constructor(parts: GatewayParts) {
    const { ram, sessions, clock, services } = parts;
    this.#parts = parts;
    this.#routes = new Routes(services);
    const directory = {
      find(accessKeyId: string) {
        const session = sessions.find(accessKeyId);
        if (session !== undefined) return { secret: session.accessKeySecret, isActive: true, session };
        const key = ram.findAccessKey(accessKeyId);
        return key === undefined ? undefined : { secret: key.secret, isActive: key.status === "Active" };
      },
      hasToken: (token: string) => sessions.hasToken(token),
    };
    this.#verifier = new Verifier(directory, clock);
  }

  async answer(request: GatewayRequest): Promise<GatewayOutcome> {
    const requestId = randomUUID().toUpperCase();
    let route: Route;
    let parameters: Map<string, string>;
    try {
      parameters = parametersOf(request);
      route = this.#routes.find(request, parameters);
      refuseOtherFormats(request, parameters);
    } catch (thrown) {
      return this.#refusal(requestId, "rpc", thrown);
    }
    for (const [name, value] of route.pathParameters) parameters.set(name, value);
    const { service, action, operation } = route;

    let caller: RecordedCall["caller"] = { type: "unknown", accessKeyId: claimedAccessKeyId(request) ?? "" };
    let body: unknown;
    let resource: RecordedCall["resource"];
    const { sourceAddress } = request;
    const userAgent = header(request, "user-agent") ?? "";
    const record = (recorded: JsonObject | undefined, error: CloudError | undefined) =>
      this.#parts.trail.record({
        ...{ requestId, service, action, operation, parameters, body, caller, sourceAddress, userAgent, resource, recorded, error },
      });
    try {
      const known = operation.anonymous === true ? this.#anonymous() : this.#callerOf(this.#verifier.verify(request));
      caller = known;
      body = jsonBodyOf(request);
      const { quotas, faults, clock, signal } = this.#parts;
      if (operation.quota !== undefined) {
        const waitMs = quotas.take(operation.quota);
        if (waitMs > 0) throw throttled(service, waitMs);
      }
      const verdict = faults.decide(service.product, action, clock.monotonicMs());
      if (verdict !== undefined && verdict.delayMs > 0) await clock.sleep(verdict.delayMs, signal);
      if (verdict?.ending?.kind === "hang") return "never";
      if (verdict?.ending?.kind === "reset") return "dropped";
      if (verdict?.ending?.kind === "error") throw errorOf(verdict.ending);

      const answer = await operation.handle({
        requestId,
        action,
        parameters,
        body,
        caller: known,
        sourceAddress,
        userAgent,
        authorize: (name, arn, keys) => this.#authorize(known, service, sourceAddress, name, arn, keys),
        concerns: (type, name) => {
          resource = { type, name };
        },
      });
      record(answer.recorded, undefined);
      return { status: answer.status ?? 200, requestId, text: textOf(service, requestId, answer) };
    } catch (thrown) {
      if (signalled(this.#parts.signal, thrown)) return "dropped";
      const refusal = this.#refusal(requestId, service.style, thrown);
      record(undefined, thrown instanceof CloudError ? thrown : internalFailure());
      return refusal;
    }
  }

  #authorize(
    caller: Caller,
    service: CloudService,
    sourceAddress: string,
    action: string,
    arn: string,
    keys: ReadonlyMap<string, string> = new Map(),
  ): void {
    const all = new Map([...keys, ...commonConditionKeys(sourceAddress, this.#parts.clock.wallMs())]);
    if (mayDo(caller, this.#parts, action, arn, all)) return;
    const { status = 403, code = "NoPermission", message } = service.denial ?? {};
    throw new CloudError(status, code, message ?? "You are not authorized to do this action. You should be authorized by RAM.");
  }

  #callerOf(accessKeyId: string): Caller {
    const { ram, sessions } = this.#parts;
    const session = sessions.find(accessKeyId);
    if (session !== undefined) {
      const { roleId, roleName, sessionName, createdMs } = session;
      const arn = `acs:ram::${ram.accountId}:role/${roleName}/${sessionName}`;
      return { type: "assumed-role", accountId: ram.accountId, accessKeyId, arn, roleId, roleName, sessionName, createdMs };
    }
    const key = ram.findAccessKey(accessKeyId);
    if (key === undefined) throw new TypeError("A verified access key is known.");
    return ram.callerOf(key);
  }

  #anonymous(): Caller {
    return { type: "anonymous", accountId: this.#parts.ram.accountId, accessKeyId: "", arn: "" };
  }

  #refusal(requestId: string, style: CloudService["style"], thrown: unknown): GatewayAnswer {
    if (!(thrown instanceof CloudError)) this.#parts.onDefect(thrown);
    const { status, code, message } = thrown instanceof CloudError ? thrown : internalFailure();
    const body =
      style === "rpc" ? { HttpStatus: status, Code: code, Message: message, RequestId: requestId } : { status, code, message, requestId };
    const retryAfterMs = thrown instanceof Throttled ? thrown.retryAfterMs : undefined;
    return { status, requestId, text: JSON.stringify(body), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

class Throttled extends CloudError {
  readonly retryAfterMs: number;

  constructor(status: number, code: string, message: string, retryAfterMs: number) {
    super(status, code, message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** KMS has a code of its own; the others get the gateway's (spec alibaba-cloud 1.6). */
function throttled({ product }: CloudService, retryAfterMs: number): Throttled {
  return product === "Kms"
    ? new Throttled(429, "Rejected.Throttling", "QPS Limit Exceeded", retryAfterMs)
    : new Throttled(400, "Throttling.User", "Request was denied due to user flow control.", retryAfterMs);
}

const internalFailure = () => new CloudError(500, "InternalFailure", "The request processing has failed due to some unknown error.");

const signalled = (signal: AbortSignal, thrown: unknown) => signal.aborted && thrown === signal.reason;

/** Answers are JSON; the real one knows XML too. */
function refuseOtherFormats(request: GatewayRequest, parameters: ReadonlyMap<string, string>): void {
  const format = parameters.get("Format") ?? "";
  const accept = header(request, "accept") ?? "";
  if (!["", "json"].includes(format.toLowerCase()) || /xml/i.test(accept)) {
    throw new CloudError(400, "InvalidParameter", "This local cloud answers in JSON alone: leave out Format, or say JSON.");
  }
}

function textOf({ style }: CloudService, requestId: string, { body }: CloudAnswer): string {
  if (style === "roa") return body === undefined ? "" : JSON.stringify(body);
  return JSON.stringify({ RequestId: requestId, ...body });
}
