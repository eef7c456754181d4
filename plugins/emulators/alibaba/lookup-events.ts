import { z } from "zod";
import type { ActionTrail, StoredEvent } from "./action-trail.ts";
import { utcSeconds } from "./authorization.ts";
import { invalid, optionalInteger } from "./parameters.ts";
import { type Cloud, CloudError, type CloudService, type JsonObject, type JsonValue } from "./service.ts";

const windowMs = 7 * 86_400_000;
/** 0 to 50; how many there are by default was not to be found (spec alibaba-cloud 10). */
const resultsMax = 50;
const resultsDefault = 20;

const tokenSchema = z.strictObject({
  /** The last event of the page before. */
  after: z.string(),
  startMs: z.number(),
  endMs: z.number(),
});

const memberOf = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  z.record(z.string(), z.json()).safeParse(value).data?.[name];

/** What each lookup attribute is compared with (spec alibaba-cloud 4.1). */
const attributes: Readonly<Record<string, (record: JsonObject) => JsonValue | undefined>> = {
  ServiceName: ({ serviceName }) => serviceName,
  EventName: ({ eventName }) => eventName,
  User: ({ userIdentity }) => memberOf(userIdentity, "userName"),
  EventId: ({ eventId }) => eventId,
  ResourceType: ({ resourceType }) => resourceType,
  ResourceName: ({ resourceName }) => resourceName,
  EventRW: ({ eventRW }) => eventRW,
  EventAccessKeyId: ({ userIdentity }) => memberOf(userIdentity, "accessKeyId"),
};

/** ActionTrail 2020-07-06: LookupEvents (spec alibaba-cloud 4.1). */
export function createActionTrail(cloud: Cloud, trail: ActionTrail): CloudService {
  return {
    product: "ActionTrail",
    version: "2020-07-06",
    style: "rpc",
    operations: {
      LookupEvents: {
        access: "Read",
        quota: "lookup-events",
        recordedParameters: ["LookupAttribute.1.Key", "LookupAttribute.1.Value", "StartTime", "EndTime", "Direction", "MaxResults"],
        handle(call) {
          const { parameters } = call;
          call.authorize("actiontrail:LookupEvents", `acs:actiontrail:${cloud.region}:${cloud.accountId}:*`);
          const nowMs = cloud.clock.wallMs();
          const token = tokenOf(parameters.get("NextToken"));
          const endMs = token?.endMs ?? timeOf(parameters, "EndTime") ?? nowMs;
          const startMs = token?.startMs ?? timeOf(parameters, "StartTime") ?? endMs - windowMs;
          if (startMs > endMs) throw invalid("StartTime");
          const direction = parameters.get("Direction") || "BACKWARD";
          if (direction !== "FORWARD" && direction !== "BACKWARD") throw invalid("Direction");
          const max = optionalInteger(parameters, "MaxResults", 0, resultsMax) ?? resultsDefault;

          const isWanted = filterOf(parameters);
          // Times are told in whole seconds, so an event of the last second is within.
          const isWithin = ({ timeMs }: StoredEvent) => timeMs >= Math.floor(startMs / 1000) * 1000 && timeMs < endMs + 1000;
          const fitting = trail.visible().filter((event) => isWithin(event) && isWanted(event.record));
          const ordered = direction === "FORWARD" ? fitting : fitting.reverse();
          const from = token === undefined ? 0 : ordered.findIndex(({ record }) => record["eventId"] === token.after) + 1;
          if (token !== undefined && from === 0) throw invalid("NextToken");
          const events = ordered.slice(from, from + max);
          const last = events.at(-1)?.record["eventId"];
          const isMore = from + events.length < ordered.length && typeof last === "string";
          return {
            body: {
              Events: events.map(({ record }) => record),
              StartTime: utcSeconds(startMs),
              EndTime: utcSeconds(endMs),
              ...(isMore ? { NextToken: Buffer.from(JSON.stringify({ after: last, startMs, endMs })).toString("base64url") } : {}),
            },
          };
        },
      },
    },
  };
}

/** One attribute a query, as with the real one. */
function filterOf(parameters: ReadonlyMap<string, string>): (record: JsonObject) => boolean {
  const named = [...parameters.keys()].filter((name) => /^LookupAttribute\.\d+\.Key$/.test(name));
  if (named.length > 1) throw new CloudError(400, "InvalidParameter", "Only one LookupAttribute may be given.");
  const [key] = named;
  if (key === undefined) return () => true;
  const read = attributes[parameters.get(key) ?? ""];
  const wanted = parameters.get(key.replace(/Key$/, "Value"));
  if (read === undefined || wanted === undefined) throw invalid("LookupAttribute");
  return (record) => read(record) === wanted;
}

function timeOf(parameters: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = parameters.get(name) ?? "";
  if (text === "") return undefined;
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw invalid(name);
  return ms;
}

function tokenOf(text: string | undefined): z.infer<typeof tokenSchema> | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return tokenSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  } catch {
    throw invalid("NextToken");
  }
}
