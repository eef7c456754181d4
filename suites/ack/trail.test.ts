import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import type { AlibabaClient } from "../../plugins/alibaba/client.ts";
import { AlibabaFault } from "../../plugins/alibaba/fault.ts";
import { isByRole, Trail, type TrailRecord } from "./trail.ts";

type Page = { readonly Events: readonly object[]; readonly NextToken?: string } | AlibabaFault;

/** Answers LookupEvents with these pages in turn, the last one for ever, and remembers when it was asked for what. */
class ScriptedTrail implements Pick<AlibabaClient, "rpc"> {
  readonly asked: { readonly atMs: number; readonly parameters: Readonly<Record<string, string>> }[] = [];
  readonly #pages: Page[];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, pages: readonly Page[]) {
    this.#clock = clock;
    this.#pages = [...pages];
  }

  rpc: AlibabaClient["rpc"] = async (_action, parameters, schema) => {
    this.asked.push({ atMs: this.#clock.monotonicMs(), parameters });
    const page = this.#pages.length > 1 ? this.#pages.shift() : this.#pages[0];
    if (page instanceof AlibabaFault) throw page;
    return schema.parse(page);
  };
}

const event = (name: string, at: string, more: object = {}) => ({
  eventId: `${name}-${at}`,
  eventName: name,
  eventTime: at,
  requestId: "r",
  userIdentity: { type: "assumed-role", userName: "aliyuncsmanagedsecurityrole:c1" },
  ...more,
});

function trailOf(pages: readonly Page[]) {
  const clock = new VirtualClock();
  const client = new ScriptedTrail(clock, pages);
  return { clock, client, trail: new Trail({ client, clock, signal: new AbortController().signal }) };
}

describe("Trail", () => {
  it("reads all pages, more than half a second apart, of one window, and gives them by time", async () => {
    const { clock, client, trail } = trailOf([
      { Events: [event("Decrypt", "2026-01-01T00:00:09Z"), event("Encrypt", "2026-01-01T00:00:09Z")], NextToken: "t" },
      { Events: [event("DescribeKey", "2026-01-01T00:00:01Z")] },
    ]);
    const reading = trail.since(clock.wallMs());
    await clock.advance(600);
    expect((await reading).map(({ name }) => name)).toEqual(["DescribeKey", "Encrypt", "Decrypt"]);
    expect(client.asked.map(({ atMs }) => atMs)).toEqual([0, 550]);
    const [first, second] = client.asked.map(({ parameters }) => parameters);
    expect(second).toEqual({ ...first, NextToken: "t" });
  });

  it("asks again where it is throttled, later", async () => {
    const throttled = new AlibabaFault("throttled", "ActionTrail", "Slowly.");
    const { clock, client, trail } = trailOf([throttled, throttled, { Events: [] }]);
    const reading = trail.since(clock.wallMs());
    await clock.advance(6000);
    expect(await reading).toEqual([]);
    expect(client.asked.map(({ atMs }) => atMs)).toEqual([0, 3000, 6000]);
  });

  it("does not ask again where it is refused", async () => {
    const { clock, trail } = trailOf([new AlibabaFault("refused", "ActionTrail", "No.")]);
    await expect(trail.since(clock.wallMs())).rejects.toThrow("No.");
  });

  it("gives up at the deadline, and says what it found until then", async () => {
    const { clock, trail } = trailOf([{ Events: [event("Encrypt", "2026-01-01T00:00:00Z")] }]);
    const waiting = trail.until(clock.wallMs(), (records) => records.length > 1, { deadlineMs: 3000 });
    await clock.advance(3000);
    expect(await waiting).toMatchObject({ isEnough: false, records: [{ name: "Encrypt" }] });
  });

  it("takes key and version from the answer, the key from the request where there was none, and the error's code", async () => {
    const keyed = { responseElements: { KeyId: "key-a", KeyVersionId: "v1" } };
    const { clock, trail } = trailOf([
      {
        Events: [
          event("Encrypt", "2026-01-01T00:00:02Z", keyed),
          event("Encrypt", "2026-01-01T00:00:01Z", { requestParameters: { KeyId: "key-b" }, errorCode: "Rejected.Disabled" }),
          event("Decrypt", "2026-01-01T00:00:00Z"),
        ],
      },
    ]);
    expect((await trail.since(clock.wallMs())).map(({ keyId, keyVersionId, errorCode }) => [keyId, keyVersionId, errorCode])).toEqual([
      [null, null, null],
      ["key-b", null, "Rejected.Disabled"],
      ["key-a", "v1", null],
    ]);
  });
});

describe("isByRole", () => {
  const record = (user: string, userType = "assumed-role"): TrailRecord => ({
    ...{
      eventId: "",
      userType,
      timeMs: 0,
      time: "",
      name: "Encrypt",
      user,
      keyId: null,
      keyVersionId: null,
      errorCode: null,
      requestId: "",
    },
  });

  it("knows a role in whatever case, and no other nor a user of its name", () => {
    expect(isByRole(record("aliyuncsmanagedsecurityrole:c1"), "AliyunCSManagedSecurityRole")).toBe(true);
    expect(isByRole(record("aliyuncsmanagedsecurityrole2:c1"), "AliyunCSManagedSecurityRole")).toBe(false);
    expect(isByRole(record("aliyuncsmanagedsecurityrole", "ram-user"), "AliyunCSManagedSecurityRole")).toBe(false);
  });
});
