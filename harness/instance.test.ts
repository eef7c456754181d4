import { mkdtempSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findInstances, leaveInstance, removeInstance, takeInstance } from "./instance.ts";

const nothing = async () => {};

let folder: string;
beforeEach(() => {
  // Leases lie in TMPDIR: those of other tests, and of whoever uses this machine, are none of these tests' business.
  folder = mkdtempSync(join(tmpdir(), "instance-test-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const record = (kubeconfig: string) => ({
  target: "processes",
  kubernetesVersion: "v1.37.2",
  provider: "kms-v2",
  url: "https://127.0.0.1:1",
  kubeconfig,
  stored: { etcd: "https://127.0.0.1:2", caFile: "ca.pem", certificateFile: "c.pem", keyFile: "k.pem", encryptionFile: "e.yaml" },
});

async function leave(name: string, kubeconfig: string) {
  await leaveInstance(await takeInstance(name, nothing), record(kubeconfig), "the kubeconfig");
}

test("what is left running is found by its name, and by no other", async () => {
  await leave("a", join(folder, "kubeconfig"));
  expect(findInstances("a", nothing)[0]?.record).toMatchObject(record(join(folder, "kubeconfig")));
  expect(findInstances("b", nothing)).toEqual([]);
});

test("the kubeconfig is for this user alone", async () => {
  await leave("a", join(folder, "kubeconfig"));
  expect((await stat(join(folder, "kubeconfig"))).mode & 0o777).toBe(0o600);
});

test("removing it takes its kubeconfig and its folder away", async () => {
  await leave("a", join(folder, "kubeconfig"));
  for (const instance of findInstances("a", nothing)) await removeInstance(instance);
  expect(findInstances("a", nothing)).toEqual([]);
  await expect(stat(join(folder, "kubeconfig"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("a kubeconfig that somebody changed stays", async () => {
  await leave("a", join(folder, "kubeconfig"));
  await writeFile(join(folder, "kubeconfig"), "mine");
  for (const instance of findInstances("a", nothing)) await removeInstance(instance);
  expect(await readFile(join(folder, "kubeconfig"), "utf8")).toBe("mine");
});

test("a kubeconfig that is there already is not overwritten, and nothing is left running", async () => {
  await writeFile(join(folder, "kubeconfig"), "mine");
  await expect(leave("a", join(folder, "kubeconfig"))).rejects.toMatchObject({ code: "kubeconfig-unwritable" });
  expect(await readFile(join(folder, "kubeconfig"), "utf8")).toBe("mine");
  expect(findInstances("a", nothing)).toEqual([]);
});

test("a second one of the same name is refused while the first is being started", async () => {
  const first = await takeInstance("a", nothing);
  await expect(takeInstance("a", nothing)).rejects.toMatchObject({ code: "instance-exists" });
  expect(findInstances("a", nothing).map(({ lease, record }) => [lease.id, record])).toEqual([[first.id, undefined]]);
});

test.each(["", "A", "a/b", "-a", "a-", "a".repeat(41)])("%j is no name", async (name) => {
  await expect(takeInstance(name, nothing)).rejects.toMatchObject({ code: "bad-instance-name" });
});
