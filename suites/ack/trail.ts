import { z } from "zod";
import type { Clock } from "../../harness/clock.ts";
import type { KmsEvent } from "../../harness/run/schema.ts";
import type { AlibabaClient } from "../../plugins/alibaba/client.ts";
import { AlibabaFault } from "../../plugins/alibaba/fault.ts";

/** LookupEvents is limited to 2 calls a second (spec alibaba-cloud 4.1); a little more than half a second apart never meets the limit. */
const lookupPauseMs = 550;
/** After a refusal for its rate, or an outage. */
const retryPauseMs = 3000;
const retriesMax = 5;
const pageSize = "50";
/** More than the 90 days of any account of reasonable size has of one service; a run that meets it says so. */
const pagesMax = 400;

const recordSchema = z.object({
  eventId: z.string().default(""),
  eventName: z.string(),
  eventTime: z.string(),
  requestId: z.string().default(""),
  errorCode: z.string().default(""),
  resourceName: z.string().default(""),
  userIdentity: z.object({ type: z.string().default(""), userName: z.string().default(""), principalId: z.string().default("") }),
  requestParameters: z.object({ KeyId: z.string().optional() }).optional().catch(undefined),
  responseElements: z.object({ KeyId: z.string().optional(), KeyVersionId: z.string().optional() }).optional().catch(undefined),
});

const answerSchema = z.object({ Events: z.array(recordSchema), NextToken: z.string().optional() });

/** An event of the KMS with what a verdict needs beside what reports show. */
export interface TrailRecord extends KmsEvent {
  readonly eventId: string;
  readonly userType: string;
  readonly timeMs: number;
}

export interface TrailOptions {
  readonly client: Pick<AlibabaClient, "rpc">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Reads the events of the KMS from ActionTrail, never faster than it allows. */
export class Trail {
  readonly #options: TrailOptions;
  #nextMs = 0;

  constructor(options: TrailOptions) {
    this.#options = options;
  }

  /** The events of the KMS since then that the trail shows by now, by time: all of them, or from the newest back to where it is enough. */
  async since(startMs: number, isEnough: (records: readonly TrailRecord[]) => boolean = () => false): Promise<TrailRecord[]> {
    const records = new Map<string, TrailRecord>();
    const window = { StartTime: utcSeconds(startMs), EndTime: utcSeconds(this.#options.clock.wallMs() + 1000) };
    let token: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const { Events, NextToken } = await this.#lookup({ ...window, ...(token === undefined ? {} : { NextToken: token }) });
      for (const [index, record] of Events.map(recordOf).entries()) records.set(record.eventId || `${page}/${index}`, record);
      if (NextToken === undefined || NextToken === "" || isEnough([...records.values()])) break;
      token = NextToken;
    }
    // Times are whole seconds; within one the trail's own order, which was read backwards, is the best there is.
    return [...records.values()].reverse().sort((a, b) => a.timeMs - b.timeMs);
  }

  /** Asks again and again until the events are as they are wanted, or the time is over; gives the last ones it has read. */
  async until(
    startMs: number,
    isEnough: (records: readonly TrailRecord[]) => boolean,
    waiting: { readonly deadlineMs: number; readonly onPoll?: (records: readonly TrailRecord[]) => void },
  ): Promise<{ readonly records: readonly TrailRecord[]; readonly isEnough: boolean }> {
    const { clock, signal } = this.#options;
    const giveUpMs = clock.monotonicMs() + waiting.deadlineMs;
    for (let pauseMs = lookupPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, 15_000)) {
      const records = await this.since(startMs, isEnough);
      waiting.onPoll?.(records);
      if (isEnough(records)) return { records, isEnough: true };
      if (clock.monotonicMs() + pauseMs > giveUpMs) return { records, isEnough: false };
      await clock.sleep(pauseMs, signal);
    }
  }

  async #lookup(page: Readonly<Record<string, string>>): Promise<z.infer<typeof answerSchema>> {
    const { client, clock, signal } = this.#options;
    const attribute = { "LookupAttribute.1.Key": "ServiceName", "LookupAttribute.1.Value": "Kms" };
    const parameters = { ...attribute, Direction: "BACKWARD", MaxResults: pageSize, ...page };
    for (let attempt = 0; ; attempt++) {
      const waitMs = this.#nextMs - clock.monotonicMs();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      this.#nextMs = clock.monotonicMs() + lookupPauseMs;
      try {
        return await client.rpc("LookupEvents", parameters, answerSchema, { signal });
      } catch (thrown) {
        const isPassing = thrown instanceof AlibabaFault && ["throttled", "unavailable", "deadline"].includes(thrown.kind);
        if (!isPassing || attempt >= retriesMax) throw thrown;
        this.#nextMs = clock.monotonicMs() + Math.max(retryPauseMs, thrown.facts.retryAfterMs ?? 0);
      }
    }
  }
}

function recordOf(record: z.infer<typeof recordSchema>): TrailRecord {
  const { eventId, eventName: name, eventTime, userIdentity: user, requestParameters, responseElements, errorCode, requestId } = record;
  const timeMs = Date.parse(eventTime);
  return {
    eventId,
    timeMs,
    time: new Date(timeMs).toISOString(),
    name,
    userType: user.type,
    user: user.userName || user.principalId || user.type,
    keyId: responseElements?.KeyId ?? requestParameters?.KeyId ?? (record.resourceName === "" ? null : record.resourceName),
    keyVersionId: responseElements?.KeyVersionId ?? null,
    errorCode: errorCode === "" ? null : errorCode,
    requestId,
  };
}

function utcSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Without what only verdicts need. */
export function eventOf({ time, name, user, keyId, keyVersionId, errorCode, requestId }: TrailRecord): KmsEvent {
  return { time, name, user, keyId, keyVersionId, errorCode, requestId };
}

/** Whether a call was made in a session of this role: events write its name in lower case (spec alibaba-cloud 4.2). */
export function isByRole({ userType, user }: TrailRecord, role: string): boolean {
  return userType === "assumed-role" && user.toLowerCase().split(":")[0] === role.toLowerCase();
}
