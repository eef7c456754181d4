import { generateKeyPairSync, sign } from "node:crypto";
import { chmod, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Clock, systemClock } from "../../harness/clock.ts";
import { Random } from "../../harness/random.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { type AlibabaCloudOptions, type RunningCloud, startAlibabaCloud } from "../emulators/alibaba/index.ts";
import type { ProviderCall } from "../observer.ts";
import type { CallContext, KmsProvider } from "../provider.ts";
import { openAlibabaProvider, settingsOf } from "../providers/alibaba.ts";
import { KeyService } from "../service.ts";
import { keyVersionFreshMs } from "./kms-provider.ts";

const dek = new Uint8Array(32).fill(5);
const pluginPolicy = {
  name: "PluginAlone",
  document: { Version: "1", Statement: [{ Effect: "Allow", Action: ["kms:DescribeKey", "kms:Encrypt", "kms:Decrypt"], Resource: "*" }] },
};

const recordSchema = z.object({
  serviceName: z.string(),
  eventName: z.string(),
  userIdentity: z.object({ accessKeyId: z.string(), userName: z.string().optional() }),
});
const recordsOf = ({ events }: RunningCloud) => events.map(({ record }) => recordSchema.parse(record));

/** The local cloud with one key, and providers of it. */
async function arrange({ clock = systemClock, ...options }: AlibabaCloudOptions & { readonly clock?: Clock } = {}) {
  const stack = new AsyncDisposableStack();
  const cloud = stack.use(await startAlibabaCloud({ clock, ...options }));
  const { keyId } = cloud.admin.createKey({ alias: "alias/cluster" });
  const user = cloud.admin.createUser("plugin", [pluginPolicy]);
  const environment: Record<string, string> = {
    ALIBABA_CLOUD_ACCESS_KEY_ID: user.accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: user.accessKeySecret,
    ALIBABA_CLOUD_REGION_ID: cloud.region,
  };
  const said: string[] = [];
  const log = { info: (message: string) => void said.push(message), warn: (message: string) => void said.push(message) };
  const open = async (words: Record<string, string> = {}, from = environment): Promise<KmsProvider> => {
    const endpoints = { endpoint: cloud.url, "sts-endpoint": cloud.url, "metadata-endpoint": cloud.url };
    return stack.use(await openAlibabaProvider(settingsOf({ "key-id": keyId, ...endpoints, ...words }, from), { log, clock }));
  };
  const context = (timeoutMs = 3000): CallContext => ({
    signal: new AbortController().signal,
    deadlineMs: clock.monotonicMs() + timeoutMs,
    uid: "u",
  });
  const service = (provider: KmsProvider, calls: ProviderCall[] = []) =>
    new KeyService(provider, {
      clock,
      random: new Random("emulator"),
      observer: { onProviderCall: (call) => void calls.push(call) },
      runtimeVersion: "1",
    });
  const roundTrip = async (provider: KmsProvider) =>
    Buffer.from(await provider.decrypt(await provider.encrypt(dek, context()), context())).equals(dek);
  return { cloud, keyId, user, environment, said, open, context, service, roundTrip, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a rotation in the KMS", () => {
  it("is told by the next poll a minute later, and what was encrypted before stays readable", async () => {
    const clock = new VirtualClock();
    await using place = await arrange({ clock });
    const service = place.service(await place.open());
    const poll = async () => (await service.status(place.context())).keyId;
    const before = await poll();
    const old = await service.encrypt({ plaintext: dek, uid: "u" }, place.context());
    await clock.advance(1000);
    const version = place.cloud.admin.rotateKey(place.keyId);
    await clock.advance(59_000);
    expect(before).not.toBe(`${place.keyId}/${version}`);
    expect(await poll()).toBe(`${place.keyId}/${version}`);
    expect((await service.encrypt({ plaintext: dek, uid: "u" }, place.context())).keyId).toBe(`${place.keyId}/${version}`);
    expect(Buffer.from((await service.decrypt({ ...old, uid: "u" }, place.context())).plaintext)).toEqual(Buffer.from(dek));
  });

  it("is noticed in the background within fifteen seconds by whoever polls often", async () => {
    const clock = new VirtualClock();
    await using place = await arrange({ clock });
    const calls: ProviderCall[] = [];
    const service = place.service(await place.open(), calls);
    const poll = async () => (await service.status(place.context())).keyId;
    const before = await poll();
    const version = place.cloud.admin.rotateKey(place.keyId);
    await clock.advance(keyVersionFreshMs + 1);
    expect(await poll()).toBe(before);
    while (calls.length < 2) await systemClock.sleep(1);
    expect(await poll()).toBe(`${place.keyId}/${version}`);
  });
});

describe("a key that cannot be used", () => {
  it("makes the plugin unhealthy with what to do, until it can", async () => {
    await using place = await arrange();
    const service = place.service(await place.open());
    const old = await service.encrypt({ plaintext: dek, uid: "u" }, place.context());
    place.cloud.admin.setKeyState(place.keyId, "Disabled");
    await expect(service.encrypt({ plaintext: dek, uid: "u" }, place.context())).rejects.toMatchObject({
      kind: "key-unusable",
      message: expect.stringMatching(
        /^The KMS key is disabled: enable it again in the KMS\. \(Encrypt: Rejected\.Disabled, HTTP 409, request [-0-9a-fA-F]{36}\)$/,
      ),
    });
    await expect(service.decrypt({ ...old, uid: "u" }, place.context())).rejects.toMatchObject({ kind: "key-unusable" });
    expect(await service.status(place.context())).toEqual({
      version: "v2",
      healthz: "The KMS key is disabled: enable it in the KMS.",
      keyId: old.keyId,
    });
    place.cloud.admin.setKeyState(place.keyId, "Enabled");
    expect(await service.status(place.context())).toEqual({ version: "v2", healthz: "ok", keyId: old.keyId });
  });

  it.each([
    ["Disabled", "kms-key-unusable", "disabled"],
    ["PendingImport", "kms-key-unusable", "import"],
  ] as const)("%s ends the start", async (state, code, words) => {
    await using place = await arrange();
    place.cloud.admin.setKeyState(place.keyId, state);
    await expect(place.open()).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it("of another spec, or of nobody, ends the start", async () => {
    await using place = await arrange();
    const { keyId } = place.cloud.admin.createKey({ spec: "RSA_2048", usage: "ENCRYPT/DECRYPT" });
    await expect(place.open({ "key-id": keyId })).rejects.toMatchObject({
      code: "kms-key-unusable",
      message: expect.stringContaining("Aliyun_AES_256"),
    });
    await expect(place.open({ "key-id": "key-nobody" })).rejects.toMatchObject({
      code: "kms-key-unusable",
      message: expect.stringContaining("no such key"),
    });
    await expect(place.open({ "key-id": "alias/nobody" })).rejects.toMatchObject({ code: "kms-key-unusable" });
  });

  it("by these credentials ends the start", async () => {
    await using place = await arrange();
    const { accessKeyId, accessKeySecret } = place.cloud.admin.createUser("nobody", []);
    const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret };
    await expect(place.open({}, environment)).rejects.toMatchObject({
      code: "kms-permission-denied",
      message: expect.stringContaining("kms:DescribeKey"),
    });
    const noDecrypt = {
      name: "NoDecrypt",
      document: { Version: "1", Statement: [{ Effect: "Allow", Action: ["kms:DescribeKey", "kms:Encrypt"], Resource: "*" }] },
    };
    const half = place.cloud.admin.createUser("half", [noDecrypt]);
    const halfEnvironment = { ALIBABA_CLOUD_ACCESS_KEY_ID: half.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: half.accessKeySecret };
    await expect(place.open({}, halfEnvironment)).rejects.toMatchObject({
      code: "kms-permission-denied",
      message: expect.stringContaining("(Decrypt: "),
    });
    const wrong = { ...environment, ALIBABA_CLOUD_ACCESS_KEY_SECRET: "wrong" };
    await expect(place.open({}, wrong)).rejects.toMatchObject({
      code: "kms-permission-denied",
      message: expect.stringContaining("secret is not that of the access key"),
    });
    const unknown = { ...environment, ALIBABA_CLOUD_ACCESS_KEY_ID: "LTAIunknown" };
    await expect(place.open({}, unknown)).rejects.toMatchObject({
      code: "kms-permission-denied",
      message: expect.stringContaining("does not know the access key"),
    });
  });

  it("because the clocks differ ends the start", async () => {
    await using place = await arrange({ clock: new VirtualClock() });
    const { environment, cloud, keyId } = place;
    const settings = settingsOf({ "key-id": keyId, endpoint: cloud.url }, environment);
    await expect(openAlibabaProvider(settings, { log: { info() {}, warn() {} } })).rejects.toMatchObject({
      message: expect.stringContaining("clock of this machine"),
    });
  });
});

describe("credentials", () => {
  it("come from an alias's key by access key in a file", async () => {
    await using place = await arrange();
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-credentials-"));
    const path = join(folder.path, "key.json");
    await writeFile(path, JSON.stringify(place.user), { mode: 0o600 });
    const provider = await place.open({ "key-id": "alias/cluster", "credentials-file": path }, {});
    expect(await place.roundTrip(provider)).toBe(true);
    expect(place.said).toEqual([`Credentials come from the file ${path}.`]);
  });

  it("in a file that others may read, that is none, or that is wrong end the start", async () => {
    await using place = await arrange();
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-credentials-"));
    const path = join(folder.path, "key.json");
    await expect(place.open({ "credentials-file": path }, {})).rejects.toMatchObject({
      message: expect.stringContaining("cannot be read (ENOENT)"),
    });
    await writeFile(path, JSON.stringify(place.user), { mode: 0o600 });
    await chmod(path, 0o640);
    await expect(place.open({ "credentials-file": path }, {})).rejects.toMatchObject({ message: expect.stringContaining("0640") });
    await chmod(path, 0o600);
    await writeFile(path, `{"accessKeySecret": "${place.user.accessKeySecret}`);
    const fault = await place.open({ "credentials-file": path }, {}).catch(String);
    expect(fault).toContain("is no JSON object with accessKeyId and accessKeySecret");
    expect(fault).not.toContain(place.user.accessKeySecret);
  });

  it("come from the role of the ECS instance where there is nothing else, and the reasons are told", async () => {
    await using place = await arrange();
    const provider = await place.open({}, {});
    expect(await place.roundTrip(provider)).toBe(true);
    expect(place.said).toEqual([
      "Not taken: access-key: ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set.",
      "Not taken: oidc: ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE are not set.",
      "Not taken: uri: ALIBABA_CLOUD_CREDENTIALS_URI is not set.",
      "Credentials come from the RAM role of the ECS instance.",
    ]);
  });

  it("that have expired are renewed by the call that is refused for it", async () => {
    await using place = await arrange();
    const provider = await place.open({ credentials: "ecs-ram-role" }, {});
    const identities = () =>
      new Set(recordsOf(place.cloud).flatMap((record) => (record.serviceName === "Kms" ? [record.userIdentity.accessKeyId] : [])));
    expect(await place.roundTrip(provider)).toBe(true);
    expect(identities().size).toBe(1);
    place.cloud.admin.expireSessions();
    expect(await place.roundTrip(provider)).toBe(true);
    expect(identities().size).toBe(2);
  });

  it("come from a credentials URI", async () => {
    await using place = await arrange();
    const provider = await place.open({}, { ALIBABA_CLOUD_CREDENTIALS_URI: place.cloud.credentialsUri });
    expect(await place.roundTrip(provider)).toBe(true);
    expect(place.said.at(-1)).toBe("Credentials come from the server that ALIBABA_CLOUD_CREDENTIALS_URI names.");
    expect(place.said.join()).not.toContain(place.cloud.credentialsUri);
  });

  it("come from a role that is assumed, with its external id, and the session's name is in the audit log", async () => {
    await using place = await arrange();
    const { accountId } = place.cloud;
    const document = { Version: "1", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" }] };
    const caller = place.cloud.admin.createUser("caller", [{ name: "Assume", document }]);
    const trust = {
      Version: "1",
      Statement: [
        {
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { RAM: [`acs:ram::${accountId}:root`] },
          Condition: { StringEquals: { "sts:ExternalId": "cluster-42" } },
        },
      ],
    };
    place.cloud.admin.createRole("PluginRole", trust, ["AliyunKMSCryptoAdminAccess"]);
    const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: caller.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: caller.accessKeySecret };
    const role = { "role-arn": `acs:ram::${accountId}:role/PluginRole`, "role-session-name": "node-7" };
    await expect(place.open(role, environment)).rejects.toMatchObject({
      code: "kms-permission-denied",
      message: expect.stringContaining("STS does not give out the role"),
    });
    const provider = await place.open({ ...role, "external-id": "cluster-42" }, environment);
    expect(await place.roundTrip(provider)).toBe(true);
    expect(recordsOf(place.cloud).at(-1)).toMatchObject({
      eventName: "Decrypt",
      userIdentity: { userName: expect.stringMatching(/^pluginrole:node-7$/i) },
    });
  });

  it("come from a service account's token by OIDC, which is read anew for every session", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const accountId = "1234567890123456";
    const providerArn = `acs:ram::${accountId}:oidc-provider/ack-rrsa`;
    const issuer = "https://oidc.example";
    const oidcProviders = [
      { name: "ack-rrsa", issuer, audiences: ["sts.aliyuncs.com"], keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1" }] },
    ];
    await using place = await arrange({ accountId, oidcProviders });
    const trust = { Version: "1", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Federated: [providerArn] } }] };
    place.cloud.admin.createRole("Rrsa", trust, ["AliyunKMSCryptoAdminAccess"]);
    const part = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
    const tokenFor = (sub: string) => {
      const head = `${part({ alg: "RS256", kid: "1" })}.${part({ iss: issuer, sub, aud: ["sts.aliyuncs.com"], exp: Math.floor(systemClock.wallMs() / 1000) + 600 })}`;
      return `${head}.${sign("sha256", Buffer.from(head), privateKey).toString("base64url")}`;
    };
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-oidc-"));
    const tokenFile = join(folder.path, "token");
    const environment = {
      ALIBABA_CLOUD_ROLE_ARN: `acs:ram::${accountId}:role/Rrsa`,
      ALIBABA_CLOUD_OIDC_PROVIDER_ARN: providerArn,
      ALIBABA_CLOUD_OIDC_TOKEN_FILE: tokenFile,
    };
    await expect(place.open({}, environment)).rejects.toMatchObject({ message: expect.stringContaining("cannot be read (ENOENT)") });
    await writeFile(tokenFile, `${tokenFor("system:serviceaccount:kube-system:kms")}\n`);
    const provider = await place.open({}, environment);
    expect(await place.roundTrip(provider)).toBe(true);
    await writeFile(tokenFile, "no token any more");
    place.cloud.admin.expireSessions();
    await expect(provider.encrypt(dek, place.context())).rejects.toMatchObject({ kind: "permission-denied" });
    await writeFile(tokenFile, tokenFor("system:serviceaccount:kube-system:kms"));
    expect(await place.roundTrip(provider)).toBe(true);
  });

  it("that are nowhere end the start, with every reason", async () => {
    await using place = await arrange();
    const none = { "metadata-endpoint": "http://127.0.0.1:1" };
    await expect(place.open(none, {})).rejects.toMatchObject({
      code: "no-credentials",
      message: expect.stringMatching(
        /access-key: .*oidc: .*uri: .*ecs-ram-role: The metadata service of the ECS instance could not be reached/,
      ),
    });
    await expect(place.open({ credentials: "oidc" }, { ALIBABA_CLOUD_ROLE_ARN: "acs:ram::1:role/r" })).rejects.toMatchObject({
      message: "There are no credentials for the KMS. oidc: ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE are not set.",
    });
    await expect(place.open({}, { ALIBABA_CLOUD_ACCESS_KEY_ID: "LTAI" })).rejects.toMatchObject({ code: "half-a-key" });
  });

  it("of an instance that is asked for by name may be away at the start", async () => {
    await using place = await arrange();
    await place.open({ credentials: "ecs-ram-role", "metadata-endpoint": "http://127.0.0.1:1" }, {});
    expect(place.said.at(-1)).toContain(
      "The key could not be checked and the plugin starts without: The metadata service of the ECS instance could not be reached",
    );
  });
});

describe("throttling", () => {
  it("is waited for inside the deadline, and each attempt is told", async () => {
    await using place = await arrange();
    const calls: ProviderCall[] = [];
    const service = place.service(await place.open(), calls);
    place.cloud.admin.addFault("Encrypt:error=429:every=2");
    for (let call = 0; call < 6; call++) await service.encrypt({ plaintext: dek, uid: "u" }, place.context());
    const outcomes = calls.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "ok")).toHaveLength(6);
    expect(outcomes.filter((outcome) => outcome === "throttled").length).toBeGreaterThanOrEqual(5);
  });

  it("without end is told as what it is", async () => {
    await using place = await arrange();
    const service = place.service(await place.open());
    place.cloud.admin.addFault("Encrypt:error=429");
    await expect(service.encrypt({ plaintext: dek, uid: "u" }, place.context(200))).rejects.toMatchObject({
      kind: "throttled",
      message: expect.stringMatching(/^KMS throttles Encrypt \(Rejected\.Throttling, HTTP 429, request /),
    });
  });
});
