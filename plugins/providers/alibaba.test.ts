import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../harness/clock.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { credentialKinds } from "../alibaba/credential-chain.ts";
import { AlibabaFault } from "../alibaba/fault.ts";
import { plaintextBytesMax } from "../alibaba/framing.ts";
import { renewAheadMsMax, renewPauseMs, unusableBeforeExpiryMs } from "../alibaba/kept-credentials.ts";
import { keyVersionFreshMs } from "../alibaba/kms-provider.ts";
import { refusal, StubKey, startStubCloud } from "../testing/stub-cloud.ts";
import { type AlibabaSurroundings, openAlibabaProvider, options, settingsOf } from "./alibaba.ts";

const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: "testid", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "testsecret" };
const context = { signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY, uid: "u" };

async function arrange() {
  const stack = new AsyncDisposableStack();
  const key = new StubKey();
  const stub = stack.use(await startStubCloud(key.answer));
  const said: string[] = [];
  const log = { info: (message: string) => void said.push(message), warn: (message: string) => void said.push(message) };
  const open = async (words: Record<string, string> = {}, clock = systemClock) =>
    stack.use(await openAlibabaProvider(settingsOf({ "key-id": key.id, endpoint: stub.url, ...words }, environment), { log, clock }));
  return { key, stub, said, open, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("the check at the start", () => {
  it("describes the key, encrypts nothing once, and tries whether that could be decrypted", async () => {
    await using place = await arrange();
    await place.open();
    expect(place.stub.counts()).toEqual({ DescribeKey: 1, Encrypt: 1, Decrypt: 1 });
    expect(place.stub.seen.at(-1)?.query.get("DryRun")).toBe("true");
    expect(place.said).toEqual(["Credentials come from the access key of the environment."]);
  });

  it.each<[object, string, string]>([
    [{ KeyState: "Disabled" }, "kms-key-unusable", "The KMS key is disabled: enable it in the KMS."],
    [{ KeyState: "PendingDeletion" }, "kms-key-unusable", "waits for its deletion"],
    [{ KeySpec: "RSA_2048" }, "kms-key-unusable", "Aliyun_AES_256"],
    [{ KeyUsage: "SIGN/VERIFY" }, "kms-key-unusable", "ENCRYPT/DECRYPT"],
    [{ Creator: "Oss" }, "kms-key-unusable", "managed by a service"],
    [{ KeyId: "a/b" }, "kms-internal", "not documented"],
  ])("ends the start for a key with %j", async (metadata, code, sentence) => {
    await using place = await arrange();
    place.key.metadata = { ...metadata };
    await expect(place.open()).rejects.toMatchObject({ code, message: expect.stringContaining(sentence) });
  });

  it.each([
    ["DescribeKey", 404, "Forbidden.KeyNotFound", "kms-key-unusable", "--key-id, --region or --endpoint"],
    ["DescribeKey", 404, "Forbidden.AliasNotFound", "kms-key-unusable", "--key-id, --region or --endpoint"],
    ["DescribeKey", 400, "InvalidParameter", "kms-key-unusable", "takes --key-id for no key"],
    ["DescribeKey", 403, "Forbidden.NoPermission", "kms-permission-denied", "kms:DescribeKey"],
    ["Encrypt", 403, "Forbidden.NoPermission", "kms-permission-denied", "kms:Encrypt"],
    ["Decrypt", 403, "AccessDeniedError", "kms-permission-denied", "kms:Decrypt"],
    ["Decrypt", 403, "Forbidden.NoPermission", "kms-permission-denied", "kms:Decrypt"],
  ])("ends the start where %s is refused with %i %s", async (refusedAction, status, refusedCode, code, sentence) => {
    await using place = await arrange();
    place.stub.answer(({ action }) => (action === refusedAction ? refusal(status, refusedCode) : undefined));
    await expect(place.open()).rejects.toMatchObject({ code, message: expect.stringContaining(sentence) });
  });

  it.each([
    ["503", refusal(503, "ServiceUnavailableTemporary")],
    ["a quota", refusal(429, "Rejected.Throttling")],
    ["a reset", "reset" as const],
  ])("lets it start where the KMS is away with %s, and asks again later", async (_how, answer) => {
    await using place = await arrange();
    let isAway = true;
    place.stub.answer(() => (isAway ? answer : undefined));
    const provider = await place.open();
    expect(place.said.at(-1)).toMatch(/^The key could not be checked and the plugin starts without: KMS /);
    isAway = false;
    expect(await provider.currentKey(context)).toEqual({ keyId: `${place.key.id}/${place.key.primary}` });
  });

  it("is not put off by a KMS that throttles now and then", async () => {
    await using place = await arrange();
    let call = 0;
    place.stub.answer(() => (call++ % 2 === 0 ? refusal(429, "Rejected.Throttling") : undefined));
    await place.open();
    expect(place.stub.counts()).toEqual({ DescribeKey: 2, Encrypt: 2, Decrypt: 2 });
    expect(place.said).toHaveLength(1);
  });

  it("waits ten seconds for a KMS that hangs", async () => {
    await using place = await arrange();
    place.stub.answer(() => "hang");
    const clock = new VirtualClock();
    const opening = place.open({}, clock);
    while (place.stub.seen.length === 0) await systemClock.sleep(1);
    await clock.advance(10_000);
    await opening;
    expect(place.said.at(-1)).toContain("did not answer");
  });
});

describe("the key", () => {
  it("may be named by an alias, and is then what that stood for", async () => {
    await using place = await arrange();
    const provider = await place.open({ "key-id": "alias/cluster" });
    await provider.encrypt(new Uint8Array(32), context);
    const named = place.stub.seen.map(({ action, query }) => [action, query.get("KeyId")]);
    expect(named).toEqual([
      ["DescribeKey", "alias/cluster"],
      ["Encrypt", place.key.id],
      ["Decrypt", null],
      ["Encrypt", place.key.id],
    ]);
  });

  it("of another account is named by its ARN in each call", async () => {
    await using place = await arrange();
    const arn = `acs:kms:cn-hangzhou:1234567890:key/${place.key.id}`;
    const provider = await place.open({ "key-id": arn });
    expect((await provider.encrypt(new Uint8Array(32), context)).keyId).toBe(`${place.key.id}/${place.key.primary}`);
    expect(place.stub.seen.at(-1)?.query.get("KeyId")).toBe(arn);
  });
});

describe("its document", () => {
  const document = readFileSync(new URL("../../docs/alibaba.md", import.meta.url), "utf8");
  const unwrapped = document.replaceAll(/\s+/g, " ");

  it("names every option, and every figure as it is", () => {
    for (const { name } of options) expect(unwrapped).toContain(`\`--${name}\``);
    const [freshS, agedS] = [keyVersionFreshMs / 1000, (3 * keyVersionFreshMs) / 1000];
    expect(unwrapped).toContain(`A key version that was learnt holds for ${freshS} seconds.`);
    expect(unwrapped).toContain(`up to ${agedS} s it answers from memory`);
    expect(unwrapped).toContain(`**at most ${3_600_000 / keyVersionFreshMs} times an hour**`);
    expect(unwrapped).toContain(`when ${renewAheadMsMax / 60_000} minutes are left of them`);
    expect(unwrapped).toContain(`until ${unusableBeforeExpiryMs / 1000} s before they expire`);
    expect(unwrapped).toContain(`begun again after ${renewPauseMs / 1000} s`);
    expect(unwrapped).toContain(`leaves ${plaintextBytesMax} bytes`);
  });

  it("lists the kinds of credentials in the order in which they are tried", () => {
    const listed = [...document.matchAll(/^\| \d \| `([a-z-]+)`/gm)].map(([, kind]) => kind);
    expect(["auto", ...listed]).toEqual(credentialKinds);
  });
});

describe("settings", () => {
  it("take the region from the environment", () => {
    expect(settingsOf({ "key-id": "k" }, { ALIBABA_CLOUD_REGION_ID: "cn-beijing" }).region).toBe("cn-beijing");
    expect(settingsOf({ "key-id": "k", region: "cn-hangzhou" }, { ALIBABA_CLOUD_REGION_ID: "cn-beijing" }).region).toBe("cn-hangzhou");
  });

  it.each<[Record<string, string>, string]>([
    [{ region: "moon" }, "bad-region"],
    [{ endpoint: "http://kms.example" }, "bad-endpoint"],
    [{ "sts-endpoint": "http://sts.example" }, "bad-endpoint"],
    [{ "cluster-id": "a b" }, "bad-cluster-id"],
    [{ "external-id": "42" }, "bad-role"],
  ])("%j cannot be used", (words, code) => {
    expect(() => settingsOf({ "key-id": "k", ...words }, {})).toThrow(expect.objectContaining({ code }));
  });

  it("of a role are checked when it is opened", async () => {
    await using place = await arrange();
    await expect(place.open({ "role-arn": "role" })).rejects.toMatchObject({ code: "bad-role" });
  });

  it.each([
    [{ region: "cn-beijing" }, "https://kms.cn-beijing.aliyuncs.com"],
    [{ region: "cn-beijing", vpc: true }, "https://kms-vpc.cn-beijing.aliyuncs.com"],
    [{ endpoint: "kst-1.cryptoservice.kms.aliyuncs.com" }, "https://kst-1.cryptoservice.kms.aliyuncs.com"],
    [{}, "https://kms.cn-shenzhen.aliyuncs.com"],
    [{ vpc: true }, "https://kms-vpc.cn-shenzhen.aliyuncs.com"],
  ])("%j lead to %s; the region is the instance's where none is named", async (words, expected) => {
    await using metadata = await startStubCloud(({ path }) => ({ body: path.endsWith("region-id") ? "cn-shenzhen\n" : "token" }));
    const settings = settingsOf({ "key-id": "k", "metadata-endpoint": metadata.url, ...words }, environment);
    let origin = "";
    const connect: NonNullable<AlibabaSurroundings["connect"]> = ({ endpoint }) => {
      ({ origin } = endpoint);
      return { rpc: () => Promise.reject(new AlibabaFault("unavailable", "KMS", "Away.")), async [Symbol.asyncDispose]() {} };
    };
    await using _provider = await openAlibabaProvider(settings, { log: { info() {}, warn() {} }, connect });
    expect(origin).toBe(expected);
  });

  it("without a region need one", async () => {
    await using metadata = await startStubCloud(() => ({ status: 404, body: "" }));
    const settings = settingsOf({ "key-id": "k", "metadata-endpoint": metadata.url }, environment);
    await expect(openAlibabaProvider(settings, { log: { info() {}, warn() {} } })).rejects.toMatchObject({
      code: "no-region",
      hint: "Say it with --region.",
    });
  });
});
