import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../harness/clock.ts";
import { buildStoredValue, dekSourceTypes, sealAesGcm, sealKmsV1, sealKmsV2 } from "../../harness/envelope/index.ts";
import { type ProviderConfiguration, renderEncryptionConfiguration } from "../../harness/target/encryption-configuration.ts";
import { type KeyFiles, openKeys } from "./envelope-keys.ts";
import { EnvelopeValue } from "./envelope-value.ts";
import { ScriptedKms } from "./scripted-kms.ts";

const key = "/registry/secrets/default/password";
const sealing = {
  plaintext: Buffer.from("anything"),
  aad: Buffer.from(key),
  random: (length: number) => Uint8Array.from(randomBytes(length)),
};
const localKey = { name: "with:colon", secret: randomBytes(32) };

let held: AsyncDisposableStack;
let folder: string;
let kms: ScriptedKms;
beforeEach(async () => {
  held = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), "kmsmark-keys-"));
  held.defer(() => rm(folder, { recursive: true }));
  kms = held.use(await ScriptedKms.start(join(folder, "kms.sock"), clock));
});
afterEach(() => held.disposeAsync());

function kmsV1(providerName: string): Uint8Array {
  const dek = randomBytes(32);
  return buildStoredValue({ kind: "kms-v1", providerName, ...sealKmsV1({ dek, edek: kms.seal(dek) }, sealing) });
}

function kmsV2(providerName: string): Uint8Array {
  const dek = randomBytes(32);
  const source = { dek, encryptedDekSource: kms.seal(dek), keyId: kms.keyId, annotations: kms.annotations };
  const type = { encryptedDekSourceType: dekSourceTypes.hkdfSha256XnonceAesGcmSeed };
  return buildStoredValue({ kind: "kms-v2", providerName, object: sealKmsV2({ ...source, ...type }, sealing) });
}

function aesgcm(): Uint8Array {
  return buildStoredValue({ kind: "aesgcm", keyName: localKey.name, body: sealAesGcm(localKey.secret, sealing) });
}

async function configurationOf(...providers: readonly ProviderConfiguration[]): Promise<string> {
  const path = join(folder, "encryption.yaml");
  await writeFile(path, renderEncryptionConfiguration({ resources: [{ resources: ["secrets"], providers }] }));
  return path;
}

async function open(files: Partial<KeyFiles>, resource: string | undefined = "secrets") {
  const { signal } = new AbortController();
  return held.use(await openKeys({ encryptionConfig: undefined, socket: undefined, ...files }, { resource, signal }));
}

async function stateOf(value: Uint8Array, { keyring, names }: Awaited<ReturnType<typeof open>>): Promise<string> {
  return (await new EnvelopeValue({ key, value, modRevision: 1 }, keyring, names).opening()).state;
}

describe("the keys for stored values", () => {
  it("are those of a configuration, and its plugins are asked for their own values alone", async () => {
    const encryptionConfig = await configurationOf(
      { kind: "kms", apiVersion: "v2", name: "two", socket: kms.socket },
      { kind: "kms", apiVersion: "v1", name: "one", socket: kms.socket },
      { kind: "aesgcm", keys: [localKey] },
    );
    const keys = await open({ encryptionConfig });
    expect(await Promise.all([kmsV2("two"), kmsV1("one"), aesgcm()].map((value) => stateOf(value, keys)))).toEqual([
      "opened",
      "opened",
      "opened",
    ]);
    expect(await Promise.all([kmsV2("other"), kmsV1("other")].map((value) => stateOf(value, keys)))).toEqual(["no-key", "no-key"]);
    expect(keys.readable).toEqual(["k8s:enc:kms:v2:two:", "k8s:enc:kms:v1:one:", "k8s:enc:aesgcm:v1:with:colon:"]);
  });

  it("are a plugin's whatever the values call it, where there is only its socket", async () => {
    const keys = await open({ socket: `unix://${kms.socket}` });
    expect(await Promise.all([kmsV2("any"), kmsV1("any"), aesgcm()].map((value) => stateOf(value, keys)))).toEqual([
      "opened",
      "opened",
      "no-key",
    ]);
    expect(keys.readable).toBe(undefined);
  });

  it("come from the socket that is named, in the place of those of the configuration", async () => {
    const encryptionConfig = await configurationOf({ kind: "kms", apiVersion: "v2", name: "two", socket: "/run/elsewhere.sock" });
    await expect(open({ encryptionConfig })).rejects.toMatchObject({ code: "no-plugin" });
    expect(await stateOf(kmsV2("two"), await open({ encryptionConfig, socket: kms.socket }))).toBe("opened");
  });

  it("are asked for once for each DEK source", async () => {
    const keys = await open({ socket: kms.socket });
    const mark = kms.mark;
    const value = kmsV2("any");
    await stateOf(value, keys);
    await stateOf(value, keys);
    expect(kms.since(mark, "Decrypt").length).toBe(1);
  });

  it("are those of the resource alone", async () => {
    const encryptionConfig = await configurationOf({ kind: "aesgcm", keys: [localKey] });
    expect((await open({ encryptionConfig }, "configmaps")).readable).toEqual([""]);
    expect((await open({ encryptionConfig }, undefined)).readable).toEqual(["k8s:enc:aesgcm:v1:with:colon:"]);
  });

  it("are missed where there are none", async () => {
    expect((await open({})).lack).toContain("--encryption-config");
  });
});
