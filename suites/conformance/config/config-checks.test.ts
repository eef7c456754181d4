import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { systemClock as clock } from "../../../harness/clock.ts";
import type { CheckResult } from "../../../harness/run/schema.ts";
import { openConfig } from "../config-subject.ts";
import { configChecks } from "../index.ts";
import { runChecks } from "../run-checks.ts";

const folder = mkdtempSync(join(tmpdir(), "kmsmark-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function judge(text: string, { secrets, mode = 0o600 }: { secrets?: number; mode?: number } = {}): Promise<CheckResult[]> {
  const path = join(folder, "encryption.yaml");
  writeFileSync(path, text);
  chmodSync(path, mode);
  using subject = await openConfig({ path, secrets });
  const results: CheckResult[] = [];
  const { signal } = new AbortController();
  const onResult = (result: CheckResult) => void results.push(result);
  await runChecks(configChecks, subject, { clock, signal, skipped: new Map(), concurrency: 1, onStart() {}, onResult });
  return results;
}

const file = (resources: unknown) => stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources });
const by = (...providers: unknown[]) => file([{ resources: ["secrets"], providers }]);
const kms = { apiVersion: "v2", name: "one", endpoint: "unix:///run/one.sock" };
const key = (fill: number, length = 32) => Buffer.alloc(length, fill).toString("base64");
const local = (kind: string, ...keys: unknown[]) => ({ [kind]: { keys } });
const key1 = { name: "key1", secret: key(1) };

/** A file, and the check that has to find what is wrong with it. */
const wrong: readonly { id: string; what: string; text: string; secrets?: number; mode?: number; tells: RegExp }[] = [
  {
    id: "decodable",
    what: "an unknown field",
    text: by({ kms: { ...kms, pandas: 1 } }),
    tells: /unknown field "resources\[0\]\.providers\[0\]\.kms\.pandas"/,
  },
  { id: "decodable", what: "no YAML", text: "resources: [", tells: /yaml: line 1/ },
  { id: "nothing-missing", what: "no items", text: file([]), tells: /at least one resources is required/ },
  { id: "one-provider", what: "two providers in one", text: by({ kms, identity: {} }), tells: /more than one provider/ },
  { id: "kms-name", what: "one name twice", text: by({ kms }, { kms }), tells: /duplicate KMS provider name one/ },
  { id: "kms-timeout", what: "a timeout of 0", text: by({ kms: { ...kms, timeout: "0s" } }), tells: /timeout should be a positive value/ },
  {
    id: "kms-endpoint",
    what: "a TCP endpoint",
    text: by({ kms: { ...kms, endpoint: "tcp://127.0.0.1" } }),
    tells: /unsupported scheme "tcp"/,
  },
  {
    id: "kms-cachesize",
    what: "a cachesize for v2",
    text: by({ kms: { ...kms, cachesize: 5 } }),
    tells: /cachesize is not supported in v2/,
  },
  { id: "kms-version", what: "v3", text: by({ kms: { ...kms, apiVersion: "v3" } }), tells: /only v1 and v2 are supported/ },
  {
    id: "local-keys",
    what: "a short key",
    text: by(local("aesgcm", { name: "k", secret: key(1, 5) })),
    tells: /got 5, expected one of \[16 24 32\]/,
  },
  {
    id: "resource-names",
    what: "a capital letter",
    text: file([{ resources: ["Secrets"], providers: [{ kms }] }]),
    tells: /capital letters/,
  },
  {
    id: "overlap",
    what: "a masked resource",
    text: file([
      { resources: ["*."], providers: [{ kms }] },
      { resources: ["secrets"], providers: [{ identity: {} }] },
    ]),
    tells: /masked by earlier rule "\*\."/,
  },
  { id: "kms-v1", what: "KMS v1 by default", text: by({ kms: { name: "old", endpoint: "unix:///run/old.sock" } }), tells: /KMSv1=true/ },
  {
    id: "secrets-covered",
    what: "ConfigMaps alone",
    text: file([{ resources: ["configmaps"], providers: [{ kms }] }]),
    tells: /plain text/,
  },
  { id: "identity-first", what: "identity in front", text: by({ identity: {} }, { kms }), tells: /identity writes/ },
  { id: "identity-behind", what: "identity behind", text: by({ kms }, { identity: {} }), tells: /identity reads/ },
  {
    id: "cachesize",
    what: "fewer DEKs than Secrets",
    text: by({ kms: { ...kms, apiVersion: "v1", cachesize: 50 } }),
    secrets: 51,
    tells: /keeps 50 DEKs, and there are 51 Secrets/,
  },
  {
    id: "cachesize",
    what: "the default, and more Secrets",
    text: by({ kms: { ...kms, apiVersion: "v1" } }),
    secrets: 5000,
    tells: /keeps 1000 DEKs/,
  },
  { id: "timeout", what: "a long timeout", text: by({ kms: { ...kms, timeout: "30s" } }), tells: /waits 30 s/ },
  { id: "timeout", what: "a short timeout", text: by({ kms: { ...kms, timeout: "100ms" } }), tells: /gives up after 100 ms/ },
  {
    id: "provider-order",
    what: "aescbc before KMS",
    text: by(local("aescbc", key1), { kms }),
    tells: /aescbc writes, and the KMS v2 provider "one" only reads/,
  },
  { id: "aescbc", what: "aescbc", text: by(local("aescbc", key1)), tells: /aescbc writes/ },
  { id: "secretbox", what: "secretbox", text: by(local("secretbox", key1)), tells: /secretbox writes/ },
  { id: "aesgcm", what: "aesgcm", text: by(local("aesgcm", key1)), tells: /aesgcm writes/ },
  { id: "local-keys-apart", what: "a key in the file", text: by(local("secretbox", key1)), tells: /a key of this file/ },
  {
    id: "keys-once",
    what: "one key twice",
    text: by({ kms }, local("aescbc", key1), local("aesgcm", { name: "other", secret: key(1) })),
    tells: /are the same/,
  },
  { id: "key-names", what: "a colon", text: by({ kms }, local("aescbc", { ...key1, name: "a:b" })), tells: /colon/ },
  {
    id: "key-names",
    what: "one name twice",
    text: by({ kms }, local("aescbc", key1, { ...key1, secret: key(2) })),
    tells: /Two keys of aescbc/,
  },
  { id: "key-lengths", what: "16 bytes", text: by({ kms }, local("aescbc", { name: "k", secret: key(3, 16) })), tells: /has 16 bytes/ },
  { id: "endpoints-once", what: "one endpoint twice", text: by({ kms }, { kms: { ...kms, name: "two" } }), tells: /the same plugin/ },
  { id: "sockets", what: "an abstract socket", text: by({ kms: { ...kms, endpoint: "unix:///@one" } }), tells: /abstract socket/ },
  {
    id: "sockets",
    what: "a long path",
    text: by({ kms: { ...kms, endpoint: `unix:///${"x".repeat(120)}` } }),
    tells: /a path of 121 bytes/,
  },
  { id: "file-mode", what: "a file for all", text: by({ kms }, local("aescbc", key1)), mode: 0o644, tells: /mode 0644/ },
];

const right = by({ kms }, local("aescbc", { name: "old", secret: key(9) }));

it("finds nothing wrong with a file that is right", async () => {
  const results = await judge(right, { secrets: 5000 });
  expect(results.filter(({ verdict }) => verdict !== "pass").map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
    "config/cachesize not-applicable",
  ]);
  expect(
    (await judge(by({ kms: { ...kms, apiVersion: "v1" } }), { secrets: 1000 })).find(({ id }) => id === "config/cachesize")?.verdict,
  ).toBe("pass");
});

describe("finds what is wrong", () => {
  it.each(wrong)("$id: $what", async ({ id, text, secrets, mode, tells }) => {
    const results = await judge(text, { ...(secrets === undefined ? {} : { secrets }), ...(mode === undefined ? {} : { mode }) });
    const found = results.find((result) => result.id === `config/${id}`);
    expect(found).toMatchObject({ verdict: "fail" });
    expect(
      found?.evidence.some(({ received }) => tells.test(received)),
      JSON.stringify(found?.evidence),
    ).toBe(true);
    expect(JSON.stringify(results)).not.toContain(key1.secret);
  });

  it("says in which line, where it is about one", async () => {
    const text = by({ kms }, local("aescbc", key1, { ...key1, secret: key(2) }), { identity: {} });
    const lines = text.split("\n");
    const lineWith = (words: string) => lines.findLastIndex((line) => line.includes(words)) + 1;
    const path = join(folder, "encryption.yaml");
    const placeOf = async (id: string, given = text) => (await judge(given)).find((result) => result.id === id)?.evidence[0];
    expect(await placeOf("config/key-names")).toMatchObject({
      sent: `${path}:${lineWith("name: key1")}`,
      place: { file: path, line: lineWith("name: key1") },
    });
    expect(await placeOf("config/identity-behind")).toMatchObject({ place: { line: lineWith("identity") } });
    const wrong = text.replace("unix:///run/one.sock", "tcp://127.0.0.1");
    expect(await placeOf("config/kms-endpoint", wrong)).toMatchObject({ place: { line: lineWith("endpoint") } });
    expect(await placeOf("config/secrets-covered", text.replace("secrets", "configmaps"))).toMatchObject({
      sent: path,
      place: { file: path, line: null },
    });
  });

  it("says nothing about what it could not decode", async () => {
    const results = await judge("kind: EncryptionConfiguration");
    expect(results.filter(({ verdict }) => verdict === "fail").map(({ id }) => id)).toEqual(["config/decodable"]);
    expect(results.filter(({ verdict }) => verdict === "pass")).toEqual([]);
  });

  it("has a wrong file for every check", () => {
    const found = new Set(wrong.map(({ id }) => `config/${id}`));
    expect(configChecks.map(({ id }) => id).filter((id) => !found.has(id))).toEqual([]);
  });
});
