import { mkdir, mkdtempDisposable, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { BinaryCache, cacheFolder, findBinaries } from "./cache.ts";
import { architectureOf, type Component } from "./way.ts";

const etcd: Component = { name: "etcd", version: "v3.7.3" };
const kubeApiserver: Component = { name: "kube-apiserver", version: "v1.37.2" };
const origin = { way: "release", source: "https://example.org/etcd" } as const;

test("KMSMARK_CACHE goes before XDG_CACHE_HOME, and that before HOME", () => {
  const environment = { KMSMARK_CACHE: "/k", XDG_CACHE_HOME: "/x", HOME: "/h" };
  expect(cacheFolder(environment)).toBe("/k");
  expect(cacheFolder({ KMSMARK_CACHE: "k" })).toBe(resolve("k"));
  expect(cacheFolder({ ...environment, KMSMARK_CACHE: "" })).toBe("/x/kmsmark");
  expect(cacheFolder({ HOME: "/h" })).toBe("/h/.cache/kmsmark");
});

test("what is kept is found, can be run and is recorded", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const cache = await cacheWith(folder.path, etcd, "binary");
  expect(await cache.verify(etcd)).toEqual({
    format: 1,
    component: "etcd",
    version: "v3.7.3",
    ...origin,
    sizeBytes: 6,
    sha256: "9a3a45d01531a20e89ac6ae10b0b0beb0492acd7216a368aa062d1a5fecaf9cd",
  });
  expect((await stat(cache.pathOf(etcd))).mode & 0o777).toBe(0o755);
});

test("a binary that is too short is not found", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const cache = await cacheWith(folder.path, etcd, "binary");
  await truncate(cache.pathOf(etcd), 5);
  expect(await cache.find(etcd)).toBeUndefined();
});

test("a binary of the right size with other bytes is found and does not verify", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const cache = await cacheWith(folder.path, etcd, "binary");
  await writeFile(cache.pathOf(etcd), "BINARY");
  expect(await cache.find(etcd)).toBeDefined();
  expect(await cache.verify(etcd)).toBeUndefined();
});

test("a manifest that cannot be read counts as none", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const cache = await cacheWith(folder.path, etcd, "binary");
  await writeFile(join(cache.pathOf(etcd), "..", "manifest.json"), '{"format": 1,');
  expect(await cache.find(etcd)).toBeUndefined();
});

test("keeping takes the place of what was there", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const cache = await cacheWith(folder.path, etcd, "old");
  await cacheWith(folder.path, etcd, "newer");
  expect((await cache.verify(etcd))?.sizeBytes).toBe(5);
  expect(await readdir(folder.path)).toEqual([`etcd-v3.7.3-linux-${architectureOf(process.arch)}`]);
});

test("both binaries have to be there to be found", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const wanted = { kubernetesVersion: "1.37.2", etcdVersion: "3.7.3", cache: folder.path };
  const cache = await cacheWith(folder.path, etcd, "etcd");
  expect(await findBinaries(wanted)).toBeUndefined();
  await cacheWith(folder.path, kubeApiserver, "kube-apiserver");
  expect(await findBinaries(wanted)).toEqual(
    process.platform === "linux" ? { kubeApiserver: cache.pathOf(kubeApiserver), etcd: cache.pathOf(etcd) } : undefined,
  );
});

test("sweeping removes what was left unfinished and nothing else", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const cache = await cacheWith(folder.path, etcd, "etcd");
  await mkdir(join(folder.path, "unfinished-abc", "build"), { recursive: true });
  await writeFile(join(folder.path, "notes.txt"), "mine");
  await cache.sweep();
  expect((await readdir(folder.path)).sort()).toEqual([`etcd-v3.7.3-linux-${architectureOf(process.arch)}`, "notes.txt"]);
});

test("a cache is created with the folders above it", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const cache = new BinaryCache(join(folder.path, "a", "b", "c"), "amd64");
  await cache.create();
  await cache.create();
  expect((await stat(cache.folder)).isDirectory()).toBe(true);
});

test("an architecture that Kubernetes does not know is refused", () => {
  expect(architectureOf("x64")).toBe("amd64");
  expect(() => architectureOf("mips")).toThrow(expect.objectContaining({ code: "unsupported-architecture" }));
});

async function cacheWith(folder: string, component: Component, content: string): Promise<BinaryCache> {
  const cache = new BinaryCache(folder, architectureOf(process.arch));
  await using unfinished = await cache.makeUnfinished();
  await writeFile(join(unfinished.path, component.name), content);
  await cache.keep(component, unfinished.path, origin);
  return cache;
}
