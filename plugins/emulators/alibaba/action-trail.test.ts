import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../harness/virtual-clock.ts";
import { utcSeconds } from "./authorization.ts";
import { arrange, base64, refusalOf } from "./testing/cloud.ts";
import { requestV3, send } from "./testing/signed-request.ts";

type Found = Record<string, unknown>;
const eventsOf = (answer: Found): Found[] => (Array.isArray(answer["Events"]) ? answer["Events"] : []);
const names = (answer: Found) => eventsOf(answer).map(({ eventName }) => eventName);
const lots = { quotas: { "lookup-events": 1000 } };

describe("the record of a call (spec alibaba-cloud 4.2)", () => {
  it("says who called what, on which key, and nothing of what was encrypted", async () => {
    await using cloud = await arrange(lots);
    const { keyId: KeyId } = cloud.admin.createKey();
    const Plaintext = base64("never to be seen");
    const credentials = cloud.admin.createUser("ann", ["AliyunKMSCryptoAdminAccess"]);
    const { CiphertextBlob, KeyVersionId, RequestId } = await cloud.clientOf(credentials).call("Kms", "Encrypt", { KeyId, Plaintext });
    const [event] = eventsOf(
      await cloud.root.call("ActionTrail", "LookupEvents", { "LookupAttribute.1.Key": "EventName", "LookupAttribute.1.Value": "Encrypt" }),
    );
    expect(event).toEqual({
      eventId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      eventVersion: 1,
      eventName: "Encrypt",
      eventType: "ApiCall",
      eventCategory: "Management",
      eventRW: "Read",
      eventSource: "kms.cn-hangzhou.aliyuncs.com",
      eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      serviceName: "Kms",
      acsRegion: "cn-hangzhou",
      apiVersion: "2016-01-20",
      requestId: RequestId,
      sourceIpAddress: "127.0.0.1",
      userAgent: expect.stringContaining("AlibabaCloud"),
      userIdentity: {
        type: "ram-user",
        accountId: "1234567890123456",
        principalId: expect.stringMatching(/^2\d{17}$/),
        userName: "ann",
        accessKeyId: credentials.accessKeyId,
        sessionContext: { attributes: { mfaAuthenticated: "false", creationDate: expect.any(String) } },
      },
      requestParameters: { KeyId },
      requestParameterJson: JSON.stringify({ KeyId }),
      responseElements: { KeyId, KeyVersionId },
      resourceType: "ACS::KMS::Key",
      resourceName: KeyId,
      referencedResources: { "ACS::KMS::Key": [KeyId] },
      recipientAccountId: "1234567890123456",
      isGlobal: false,
    });
    await cloud.root.call("Kms", "Decrypt", { CiphertextBlob: String(CiphertextBlob), EncryptionContext: "" });
    expect(cloud.events.at(-1)?.record).toMatchObject({ eventName: "Decrypt", requestParameters: {}, resourceName: KeyId });
    const all = JSON.stringify(cloud.events);
    expect(all).not.toContain(Plaintext);
    expect(all).not.toContain(String(CiphertextBlob).slice(48));
  });

  it("is made of refused calls too", async () => {
    await using cloud = await arrange(lots);
    const { keyId: KeyId } = cloud.admin.createKey();
    const nobody = cloud.clientOf(cloud.admin.createUser("nobody", []));
    await refusalOf(nobody.call("Kms", "Encrypt", { KeyId, Plaintext: "YQ==" }));
    cloud.admin.setKeyState(KeyId, "Disabled");
    await refusalOf(cloud.root.call("Kms", "Encrypt", { KeyId, Plaintext: "YQ==" }));
    expect(cloud.events.map(({ record }) => [record["eventName"], record["errorCode"], "responseElements" in record])).toEqual([
      ["Encrypt", "Forbidden.NoPermission", false],
      ["Encrypt", "Rejected.Disabled", false],
    ]);
  });

  it("of AssumeRole has the session's access key, and neither its secret nor its token", async () => {
    await using cloud = await arrange(lots);
    const user = cloud.clientOf(cloud.admin.createUser("ann", ["AliyunSTSAssumeRoleAccess"]));
    const RoleArn = "acs:ram::1234567890123456:role/kmsmarkpluginrole";
    const { Credentials } = await user.call("Sts", "AssumeRole", { RoleArn, RoleSessionName: "plugin" });
    const record = cloud.events.at(-1)?.record;
    expect(record).toMatchObject({
      eventSource: "sts.aliyuncs.com",
      responseElements: { Credentials: { AccessKeyId: expect.stringMatching(/^STS/) } },
    });
    const { AccessKeySecret, SecurityToken } = { AccessKeySecret: "", SecurityToken: "", ...Object(Credentials) };
    expect(String(SecurityToken).length).toBeGreaterThan(100);
    expect(JSON.stringify(record)).not.toContain(AccessKeySecret);
    expect(JSON.stringify(record)).not.toContain(SecurityToken);
  });
});

describe("LookupEvents", () => {
  /** Five events of ListKeys and ListAliases, in turn. */
  async function arrangeFive() {
    const cloud = await arrange(lots);
    for (let index = 0; index < 5; index++) {
      await cloud.root.call("Kms", index % 2 === 0 ? "ListKeys" : "ListAliases", { PageSize: String(index + 1) });
    }
    const lookup = (words: Record<string, string> = {}) => cloud.root.call("ActionTrail", "LookupEvents", words);
    const by = (key: string, value: string) => ({ "LookupAttribute.1.Key": key, "LookupAttribute.1.Value": value });
    return { ...cloud, lookup, by };
  }

  it("finds by one attribute, and by one alone", async () => {
    await using cloud = await arrangeFive();
    const { lookup, by } = cloud;
    expect(names(await lookup(by("EventName", "ListKeys")))).toEqual(["ListKeys", "ListKeys", "ListKeys"]);
    expect(names(await lookup(by("ServiceName", "Kms")))).toHaveLength(5);
    expect(names(await lookup(by("ServiceName", "kms")))).toHaveLength(0);
    expect(names(await lookup(by("EventAccessKeyId", cloud.running.root.accessKeyId)))).not.toHaveLength(0);
    expect(names(await lookup(by("User", "root")))).not.toHaveLength(0);
    expect(names(await lookup(by("EventRW", "Write")))).toHaveLength(0);
    const two = { ...by("EventName", "ListKeys"), "LookupAttribute.2.Key": "ServiceName", "LookupAttribute.2.Value": "Kms" };
    expect(await refusalOf(lookup(two))).toBe("400 InvalidParameter");
    expect(await refusalOf(lookup(by("Colour", "red")))).toBe("400 InvalidParameter");
  });

  it("pages through all of them, newest first or oldest first", async () => {
    await using cloud = await arrangeFive();
    const pages = async (Direction: string) => {
      const found: unknown[] = [];
      let NextToken = "";
      do {
        const words = { ...cloud.by("ServiceName", "Kms"), MaxResults: "2", Direction, NextToken };
        const answer = await cloud.lookup(words);
        found.push(eventsOf(answer).map(({ requestParameters }) => Object(requestParameters)["PageSize"]));
        NextToken = String(answer["NextToken"] ?? "");
      } while (NextToken !== "");
      return found;
    };
    expect(await pages("BACKWARD")).toEqual([["5", "4"], ["3", "2"], ["1"]]);
    expect(await pages("FORWARD")).toEqual([["1", "2"], ["3", "4"], ["5"]]);
    for (const words of [{ NextToken: "x" }, { MaxResults: "51" }, { Direction: "UP" }, { StartTime: "yesterday" }]) {
      expect(await refusalOf(cloud.lookup(words)), JSON.stringify(words)).toBe("400 InvalidParameter");
    }
  });

  it("wants a right of its own", async () => {
    await using cloud = await arrange(lots);
    const ann = cloud.clientOf(cloud.admin.createUser("ann", ["AliyunKMSCryptoAdminAccess"]));
    expect(await refusalOf(ann.call("ActionTrail", "LookupEvents"))).toBe("403 NoPermission");
    const bob = cloud.clientOf(cloud.admin.createUser("bob", ["AliyunActionTrailReadOnlyAccess"]));
    expect(await refusalOf(bob.call("ActionTrail", "LookupEvents"))).toBe("not refused");
  });

  it("shows an event after the delay, within the window, and may be asked twice a second", async () => {
    const clock = new VirtualClock();
    await using cloud = await arrange({ clock, eventDelayMs: 600_000 });
    const call = async (version: string, action: string, parameters: Record<string, string> = {}) => {
      const words = { endpoint: cloud.endpoint, credentials: cloud.running.root, version, action, parameters };
      return send(requestV3({ ...words, date: utcSeconds(clock.wallMs()) }));
    };
    const lookup = async (parameters: Record<string, string> = {}) => {
      await clock.advance(500);
      const words = { "LookupAttribute.1.Key": "ServiceName", "LookupAttribute.1.Value": "Kms", ...parameters };
      return names(Object((await call("2020-07-06", "LookupEvents", words)).json));
    };
    const startMs = clock.wallMs();
    await call("2016-01-20", "ListKeys");
    await clock.advance(599_000);
    expect(await lookup()).toEqual([]);
    expect(await lookup()).toEqual(["ListKeys"]);
    expect(await lookup({ StartTime: utcSeconds(startMs + 1000) })).toEqual([]);
    expect(await lookup({ EndTime: utcSeconds(startMs - 1000) })).toEqual([]);
    expect(await lookup({ StartTime: utcSeconds(startMs), EndTime: utcSeconds(startMs) })).toEqual(["ListKeys"]);
    await clock.advance(7 * 86_400_000);
    expect(await lookup()).toEqual([]);
    expect(await lookup({ StartTime: utcSeconds(startMs) })).toEqual(["ListKeys"]);
    await clock.advance(90 * 86_400_000);
    expect(await lookup({ StartTime: utcSeconds(startMs) })).toEqual([]);

    await clock.advance(1000);
    const statuses = await Promise.all([1, 2, 3].map(async () => (await call("2020-07-06", "LookupEvents")).status));
    expect(statuses.sort()).toEqual([200, 200, 400]);
  });
});
