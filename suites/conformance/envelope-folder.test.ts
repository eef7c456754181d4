import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../harness/clock.ts";
import { renderEncryptionConfiguration } from "../../harness/target/encryption-configuration.ts";
import { EnvelopeFixture } from "./envelope-fixture.ts";
import { openFolderValues } from "./envelope-folder.ts";
import type { KeyFiles } from "./envelope-keys.ts";
import { envelopeChecks } from "./index.ts";

const fixture = new EnvelopeFixture();
const valuesOfKind = (kind: string) => fixture.values.filter(({ key }) => key.includes(kind));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kmsmark-values-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(values: typeof fixture.values): Promise<void> {
  for (const { key, value } of values) {
    await mkdir(join(folder, dirname(key)), { recursive: true });
    await writeFile(join(folder, key), value);
  }
}

function open(keys: Partial<KeyFiles> = {}) {
  return openFolderValues(folder, { encryptionConfig: undefined, socket: undefined, ...keys, clock, signal: new AbortController().signal });
}

/** A configuration with the fixture's local key. */
async function writeConfiguration(): Promise<string> {
  const keys = [fixture.localKey];
  const providers = [{ kind: "aesgcm", keys } as const, { kind: "aescbc", keys } as const, { kind: "secretbox", keys } as const];
  const path = join(folder, ".encryption.yaml");
  await writeFile(path, renderEncryptionConfiguration({ resources: [{ resources: ["secrets"], providers }] }));
  return path;
}

describe("a folder of values", () => {
  it("gives each file as the value of the key that its path is, without those that are hidden", async () => {
    await write(fixture.values);
    await writeFile(join(folder, ".notes"), "not a value");
    await using subject = await open();
    const seen: { key: string; value: Uint8Array }[] = [];
    await subject.each(({ key, bytes }) => void seen.push({ key, value: Uint8Array.from(bytes) }));
    expect(seen.length).toBe(fixture.values.length);
    for (const { key, value } of fixture.values) expect(seen).toContainEqual({ key, value: Uint8Array.from(value) });
  });

  it("is judged without keys as far as that goes", async () => {
    await write(valuesOfKind("kms-v2"));
    await using subject = await open();
    const judged = envelopeChecks.filter(({ needs }) => needs.every((need) => subject.lacks(need) === undefined));
    const failed = await Promise.all(judged.map(async ({ id, run }) => ({ id, ...(await run(subject)) })));
    expect(failed.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    expect(subject.lacks("keys")).toContain("--encryption-config");
    expect(subject.lacks("configure")).toContain("somebody's own");
  });

  it("is opened with the keys of a configuration", async () => {
    await write([...valuesOfKind("aesgcm"), ...valuesOfKind("aescbc"), ...valuesOfKind("secretbox")]);
    await using subject = await open({ encryptionConfig: await writeConfiguration() });
    const judged = envelopeChecks.filter(({ needs }) => needs.every((need) => subject.lacks(need) === undefined));
    const outcomes = new Map(await Promise.all(judged.map(async ({ id, run }) => [id, (await run(subject)).verdict] as const)));
    expect(outcomes.get("envelope/opens")).toBe("pass");
    expect(outcomes.get("envelope/configured")).toBe("pass");
    expect([...outcomes].filter(([, verdict]) => verdict === "fail").map(([id]) => id)).toEqual(["envelope/one-writer"]);
  });
});

describe("a folder that cannot be judged", () => {
  it("has to be there", async () => {
    const options = { encryptionConfig: undefined, socket: undefined, clock, signal: new AbortController().signal };
    await expect(openFolderValues(join(folder, "absent"), options)).rejects.toMatchObject({ name: "UsageError", code: "no-such-folder" });
  });

  it("has to hold something", async () => {
    await mkdir(join(folder, "registry/secrets"), { recursive: true });
    await expect(open()).rejects.toMatchObject({ name: "UsageError", code: "no-values" });
  });

  it("holds nothing but files and folders", async () => {
    await symlink("/dev/null", join(folder, "link"));
    await expect(open()).rejects.toMatchObject({ name: "UsageError", code: "unreadable-file" });
  });

  it("comes with a configuration that kube-apiserver would take", async () => {
    await write(fixture.values);
    const path = join(folder, ".encryption.yaml");
    await expect(open({ encryptionConfig: path })).rejects.toMatchObject({ code: "unreadable-file" });
    await writeFile(path, "kind: Pod");
    await expect(open({ encryptionConfig: path })).rejects.toMatchObject({ code: "bad-encryption-configuration" });
  });

  it("comes with a plugin that listens", async () => {
    await write(fixture.values);
    await expect(open({ socket: join(folder, "absent.sock") })).rejects.toMatchObject({ name: "PluginError", code: "no-plugin" });
  });
});
