import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../harness/virtual-clock.ts";
import { arrange, refusalOf } from "./testing/cloud.ts";

const lifetime = "X-aliyun-ecs-metadata-token-ttl-seconds";
const role = "/latest/meta-data/ram/security-credentials/";

async function arrangeMetadata(options: Parameters<typeof arrange>[0] = {}) {
  const cloud = await arrange(options);
  const get = async (path: string, token?: string) => {
    const answer = await fetch(`${cloud.url}${path}`, { headers: token === undefined ? {} : { "X-aliyun-ecs-metadata-token": token } });
    return { status: answer.status, text: await answer.text() };
  };
  const newToken = async (seconds: string, method = "PUT") => {
    const answer = await fetch(`${cloud.url}/latest/api/token`, { method, headers: { [lifetime]: seconds } });
    return { status: answer.status, text: await answer.text() };
  };
  return { ...cloud, get, newToken };
}

describe("the metadata of an ECS instance", () => {
  it("gives the role's credentials to who has a token, and they work", async () => {
    await using cloud = await arrangeMetadata({ region: "cn-beijing" });
    const { text: token } = await cloud.newToken("21600");
    expect(await cloud.get("/latest/meta-data/region-id", token)).toEqual({ status: 200, text: "cn-beijing" });
    expect(await cloud.get(role, token)).toEqual({ status: 200, text: "KmsmarkPluginRole" });
    const { text } = await cloud.get(`${role}KmsmarkPluginRole`, token);
    const answer = JSON.parse(text);
    expect(answer).toEqual({
      Code: "Success",
      AccessKeyId: expect.stringMatching(/^STS\./),
      AccessKeySecret: expect.any(String),
      SecurityToken: expect.any(String),
      Expiration: expect.stringMatching(/Z$/),
      LastUpdated: expect.stringMatching(/Z$/),
    });
    const client = cloud.clientOf({
      accessKeyId: answer.AccessKeyId,
      accessKeySecret: answer.AccessKeySecret,
      securityToken: answer.SecurityToken,
    });
    const { keyId: KeyId } = cloud.admin.createKey();
    expect(await refusalOf(client.call("Kms", "Encrypt", { KeyId, Plaintext: "YQ==" }))).toBe("not refused");
    expect(await refusalOf(client.call("Kms", "DisableKey", { KeyId }))).toBe("403 Forbidden.NoPermission");
    expect(cloud.events.at(-1)?.record).toMatchObject({ userIdentity: { userName: "kmsmarkpluginrole:i-kmsmark" } });
    expect((await cloud.get(`${role}Other`, token)).status).toBe(404);
    expect((await cloud.get("/latest/other", token)).status).toBe(404);
  });

  it("wants a token, unless it is told not to", async () => {
    await using cloud = await arrangeMetadata();
    expect((await cloud.get(role)).status).toBe(403);
    expect((await cloud.get(role, "made-up")).status).toBe(403);
    await using lenient = await arrangeMetadata({ metadataTokenRequired: false });
    expect((await lenient.get(role)).status).toBe(200);
    expect((await lenient.get(role, "made-up")).status).toBe(403);
  });

  it.each(["0", "21601", "-1", "x", ""])("gives no token for %j seconds", async (seconds) => {
    await using cloud = await arrangeMetadata();
    expect((await cloud.newToken(seconds)).status).toBe(400);
    expect((await cloud.newToken("60", "GET")).status).toBe(405);
  });

  it("a token ends, and credentials are new before they do", async () => {
    const clock = new VirtualClock();
    await using cloud = await arrangeMetadata({ clock });
    const { text: token } = await cloud.newToken("3600");
    const credentials = async () => (await cloud.get(`${role}KmsmarkPluginRole`, token)).text;
    const keyOf = async () => JSON.parse(await credentials()).AccessKeyId;
    const first = await keyOf();
    await clock.advance(29 * 60_000);
    expect(await keyOf()).toBe(first);
    await clock.advance(60_000);
    expect(await keyOf()).not.toBe(first);
    await clock.advance(30 * 60_000);
    expect((await cloud.get(role, token)).status).toBe(403);
  });

  it("gives the same credentials at a URI that only who knows it finds", async () => {
    await using cloud = await arrangeMetadata();
    const answer = await fetch(cloud.running.credentialsUri);
    expect(await answer.json()).toMatchObject({ Code: "Success", AccessKeyId: expect.stringMatching(/^STS\./) });
    expect((await cloud.get("/credentials/guess")).status).toBe(404);
  });
});
