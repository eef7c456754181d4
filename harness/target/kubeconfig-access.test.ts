import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { renderKubeconfig } from "./kubeconfig.ts";
import { readKubeconfig } from "./kubeconfig-access.ts";
import type { ApiAccess } from "./target.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
});
afterAll(() => rm(folder, { recursive: true }));

let written = 0;
async function write(text: string): Promise<string> {
  const path = join(folder, `${++written}`);
  await writeFile(path, text);
  return path;
}

const api: ApiAccess = { url: "https://127.0.0.1:6443", caPem: "CA", identity: { kind: "token", token: "t0" } };

/** A kubeconfig of one context, with some of the cluster's and the user's fields exchanged. */
function kubeconfig({ cluster = {}, user = { token: "t0" } }: { cluster?: object; user?: object }): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:6443/", ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
  });
}

test("what is rendered with a token is read as it was", async () => {
  expect(await readKubeconfig(await write(renderKubeconfig("kmsmark", api)), undefined)).toEqual(api);
});

test("what is rendered with a client certificate is read as it was", async () => {
  const withCertificate: ApiAccess = { ...api, identity: { kind: "certificate", certificatePem: "CERT", keyPem: "KEY" } };
  expect(await readKubeconfig(await write(renderKubeconfig("kmsmark", withCertificate)), undefined)).toEqual(withCertificate);
});

test("an exec plugin is run", async () => {
  const credential = JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token: "t2" } });
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "echo", args: [credential], interactiveMode: "Never" };
  expect((await readKubeconfig(await write(kubeconfig({ user: { exec } })), undefined)).identity).toEqual({ kind: "token", token: "t2" });
});

test("an exec plugin that is not there yields no credential", async () => {
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "/no/such/plugin", interactiveMode: "Never" };
  await expect(readKubeconfig(await write(kubeconfig({ user: { exec } })), undefined)).rejects.toMatchObject({
    code: "kubeconfig-no-credential",
  });
});

test("without an authority of its own the public ones are trusted", async () => {
  expect((await readKubeconfig(await write(kubeconfig({})), undefined)).caPem).toBe(rootCertificates.join("\n"));
});

test("another context is found by name", async () => {
  await expect(readKubeconfig(await write(kubeconfig({})), "other")).rejects.toMatchObject({
    code: "kubeconfig-context",
    message: expect.stringContaining("no context other with a cluster"),
    hint: "It has: c. Choose one with --context.",
  });
});

test.each([
  ["kubeconfig-unsupported", "skips the verification", { cluster: { "insecure-skip-tls-verify": true } }],
  ["kubeconfig-unsupported", "has no TLS", { cluster: { server: "http://127.0.0.1:8080" } }],
  ["kubeconfig-unsupported", "goes through a proxy", { cluster: { "proxy-url": "http://127.0.0.1:1" } }],
  ["kubeconfig-unsupported", "renames the server", { cluster: { "tls-server-name": "x" } }],
  ["kubeconfig-no-credential", "has a password", { user: { username: "a", password: "b" } }],
  ["kubeconfig-no-credential", "has nothing", { user: {} }],
])("%s: it %s", async (code, _how, parts) => {
  await expect(readKubeconfig(await write(kubeconfig(parts)), undefined)).rejects.toMatchObject({ code });
});

test("a missing file is said", async () => {
  await expect(readKubeconfig(join(folder, "none"), undefined)).rejects.toMatchObject({ code: "kubeconfig-missing" });
});

test("what is no kubeconfig is said", async () => {
  await expect(readKubeconfig(await write("{"), undefined)).rejects.toMatchObject({ code: "kubeconfig-unreadable" });
});
