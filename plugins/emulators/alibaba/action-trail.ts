import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../../harness/clock.ts";
import { utcSeconds } from "./authorization.ts";
import type { Caller, CloudError, CloudOperation, CloudService, CloudTrail, JsonObject, TrailEvent } from "./service.ts";

/** What is kept, in memory and in the state file: the real one keeps 90 days. */
const keptMs = 90 * 86_400_000;
const eventsMax = 100_000;
const savedEventsMax = 10_000;
/** Of a value that a caller chose. */
const valueCharactersMax = 2048;

const jsonObject = z.record(z.string(), z.json());
export const eventsStateSchema = z.array(z.strictObject({ visibleMs: z.number(), timeMs: z.number(), record: jsonObject }));

/** An event with its place in time. */
export interface StoredEvent extends TrailEvent {
  readonly timeMs: number;
}

/** One call, answered or refused. */
export interface RecordedCall {
  readonly requestId: string;
  readonly service: Pick<CloudService, "product" | "version">;
  readonly action: string;
  readonly operation: Pick<CloudOperation, "access" | "recordedParameters" | "recordedBody">;
  readonly parameters: ReadonlyMap<string, string>;
  readonly body: unknown;
  /**
   * `service`: the cloud itself, for its user. `unknown`: the access key's id alone, where nobody knows who it was, since the signature was
   * not right.
   */
  readonly caller:
    | Caller
    | { readonly type: "service"; readonly accountId: string; readonly servicePrincipal: string }
    | { readonly type: "unknown"; readonly accessKeyId: string };
  readonly sourceAddress: string;
  readonly userAgent: string;
  readonly resource: { readonly type: string; readonly name: string } | undefined;
  readonly recorded: JsonObject | undefined;
  readonly error: Pick<CloudError, "code" | "message"> | undefined;
}

/** The record of what was called. It can be looked at `delayMs` after the call, as with the real one, which takes some 10 minutes. */
export class ActionTrail implements CloudTrail {
  readonly #events: StoredEvent[] = [];
  readonly #texts = new WeakMap<StoredEvent, string>();
  readonly #region: string;
  readonly #accountId: string;
  readonly #clock: Clock;
  readonly #delayMs: number;

  constructor({ region, accountId, clock, delayMs }: { region: string; accountId: string; clock: Clock; delayMs: number }) {
    this.#region = region;
    this.#accountId = accountId;
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  get events(): readonly StoredEvent[] {
    return this.#events;
  }

  /** Those that LookupEvents may show by now, oldest first. */
  visible(): readonly StoredEvent[] {
    const nowMs = this.#clock.wallMs();
    return this.#events.filter(({ visibleMs, timeMs }) => visibleMs <= nowMs && timeMs > nowMs - keptMs);
  }

  /** Writes down a call: of its parameters only those that the operation names, so that no plaintext, ciphertext or secret ever comes here. */
  record(call: RecordedCall): void {
    const nowMs = this.#clock.wallMs();
    const { service, action, operation, parameters, body, resource, recorded, error } = call;
    const isGlobal = service.product === "Ram" || service.product === "Sts";
    const requestParameters: Record<string, string | number | boolean> = {};
    for (const name of operation.recordedParameters ?? []) {
      const value = parameters.get(name);
      if (value !== undefined) requestParameters[name] = value.slice(0, valueCharactersMax);
    }
    const members = jsonObject.safeParse(body).data ?? {};
    for (const name of operation.recordedBody ?? []) {
      const value = members[name];
      if (typeof value === "string") requestParameters[name] = value.slice(0, valueCharactersMax);
      if (typeof value === "number" || typeof value === "boolean") requestParameters[name] = value;
    }
    const record: JsonObject = {
      eventId: randomUUID(),
      eventVersion: 1,
      eventName: action,
      eventType: "ApiCall",
      eventCategory: "Management",
      eventRW: operation.access,
      eventSource: `${service.product.toLowerCase()}${isGlobal ? "" : `.${this.#region}`}.aliyuncs.com`,
      eventTime: utcSeconds(nowMs),
      serviceName: service.product,
      acsRegion: this.#region,
      apiVersion: service.version,
      requestId: call.requestId,
      sourceIpAddress: call.sourceAddress,
      userAgent: call.userAgent.slice(0, valueCharactersMax),
      userIdentity: userIdentityOf(call.caller, nowMs),
      requestParameters,
      requestParameterJson: JSON.stringify(requestParameters),
      ...(recorded === undefined || error !== undefined ? {} : { responseElements: recorded }),
      ...(resource === undefined
        ? {}
        : { resourceType: resource.type, resourceName: resource.name, referencedResources: { [resource.type]: [resource.name] } }),
      ...(error === undefined ? {} : { errorCode: error.code, errorMessage: error.message }),
      recipientAccountId: this.#accountId,
      isGlobal,
    };
    this.#events.push({ timeMs: nowMs, visibleMs: nowMs + this.#delayMs, record });
    if (this.#events.length > eventsMax + 1000) this.#events.splice(0, this.#events.length - eventsMax);
  }

  /** The last events as a JSON array. Each becomes text once: thousands of them are written again and again. */
  saveText(): string {
    const texts = this.#events.slice(-savedEventsMax).map((event) => {
      const text = this.#texts.get(event) ?? JSON.stringify(event);
      this.#texts.set(event, text);
      return text;
    });
    return `[${texts.join(",")}]`;
  }

  load(events: z.infer<typeof eventsStateSchema>): void {
    this.#events.unshift(...events);
  }
}

/** Spec alibaba-cloud 4.2. Names of roles are in lower case. */
function userIdentityOf(caller: RecordedCall["caller"], nowMs: number): JsonObject {
  const sessionContext = (createdMs: number) => ({ attributes: { mfaAuthenticated: "false", creationDate: utcSeconds(createdMs) } });
  switch (caller.type) {
    case "root-account": {
      const { type, accountId, accessKeyId } = caller;
      return { type, accountId, principalId: accountId, userName: "root", accessKeyId, sessionContext: sessionContext(nowMs) };
    }
    case "ram-user": {
      const { type, accountId, userId, userName, accessKeyId } = caller;
      return { type, accountId, principalId: userId, userName, accessKeyId, sessionContext: sessionContext(nowMs) };
    }
    case "assumed-role": {
      const { type, accountId, roleId, roleName, sessionName, accessKeyId, createdMs } = caller;
      const principalId = `${roleId}:${sessionName}`;
      const userName = `${roleName.toLowerCase()}:${sessionName}`;
      return { type, accountId, principalId, userName, accessKeyId, sessionContext: sessionContext(createdMs) };
    }
    case "service":
      return { type: "system", accountId: caller.accountId, userName: caller.servicePrincipal, accessKeyId: "" };
    case "anonymous":
      return { type: "system", accountId: caller.accountId, accessKeyId: "" };
    case "unknown":
      return { type: "unknown", accessKeyId: caller.accessKeyId };
  }
}
