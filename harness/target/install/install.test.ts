import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../clock.ts";
import { Interrupted } from "../../errors.ts";
import { type InstallParts, type InstallRequest, install } from "./install.ts";
import type { InstallProgress } from "./progress.ts";
import { architectureOf, type Component, type Job, WayFailed, type WayToInstall, type ways } from "./way.ts";

const suffix = `linux-${architectureOf(process.arch)}`;
const complete = [`etcd-v3.7.3-${suffix}`, `kube-apiserver-v1.37.2-${suffix}`];
type Get = (component: Component, folder: string, job: Job) => Promise<void>;

const writes: Get = ({ name }, folder) => writeFile(join(folder, name), `${name} of a test`);
const fails =
  (reason: string): Get =>
  async () => {
    throw new WayFailed(reason);
  };

test("auto takes the first way that works, and says why the others did not", async () => {
  await using place = await placeWith({ images: fails("no engine"), release: fails("no internet"), go: writes });
  const installed = await place.install();
  expect(installed).toEqual({
    kubernetesVersion: "v1.37.2",
    etcdVersion: "v3.7.3",
    binaries: {
      kubeApiserver: join(place.cache, `kube-apiserver-v1.37.2-${suffix}`, "kube-apiserver"),
      etcd: join(place.cache, `etcd-v3.7.3-${suffix}`, "etcd"),
    },
    sources: { kubeApiserver: "go of kube-apiserver", etcd: "go of etcd" },
    images: undefined,
    withoutImages: "tests have no engine",
  });
  expect(await readFile(installed.binaries.etcd, "utf8")).toBe("etcd of a test");
  expect(place.progress).toEqual([
    { kind: "refused", way: "images", reason: "no engine" },
    { kind: "refused", way: "release", reason: "no internet" },
  ]);
});

test("when no way works, the error names all three with their reasons", async () => {
  await using place = await placeWith({ images: fails("no engine"), release: fails("no internet"), go: fails("no go") });
  await expect(place.install()).rejects.toMatchObject({
    code: "install-failed",
    message:
      "kube-apiserver v1.37.2 and etcd v3.7.3 could not be had from images (no engine), nor from release (no internet), nor from go (no go).",
  });
  expect(await place.left()).toEqual([]);
});

test("a way that was asked for is not replaced by another", async () => {
  await using place = await placeWith({ images: writes, release: fails("no internet"), go: writes });
  await expect(place.install({ from: "release" })).rejects.toThrow(
    "kube-apiserver v1.37.2 and etcd v3.7.3 could not be had from release (no internet).",
  );
});

test("what one way gave is kept when it fails for the other component", async () => {
  const half: Get = (component, folder, job) => (component.name === "etcd" ? fails("no etcd") : writes)(component, folder, job);
  await using place = await placeWith({ images: half, release: fails("no internet"), go: writes });
  expect((await place.install()).sources).toEqual({ kubeApiserver: "images of kube-apiserver", etcd: "go of etcd" });
});

test("a second install gets nothing anew and needs no lock", async () => {
  await using place = await placeWith({ release: writes });
  await place.install();
  const before = await readdir(place.cache);
  await place.install();
  expect(place.got).toEqual(["release of kube-apiserver", "release of etcd"]);
  expect(await readdir(place.cache)).toEqual(before);
});

test("what is cached is enough for auto, wherever it is from", async () => {
  await using place = await placeWith({ images: fails("no engine"), release: writes, go: writes });
  await place.install({ from: "go" });
  await place.install();
  expect(place.got).toEqual(["go of kube-apiserver", "go of etcd"]);
});

test("what is cached is replaced when another way is asked for", async () => {
  await using place = await placeWith({ release: writes, go: writes });
  await place.install({ from: "go" });
  expect((await place.install({ from: "release" })).sources.etcd).toBe("release of etcd");
});

test("what is cached is replaced when another place is asked for", async () => {
  await using place = await placeWith({ images: writes });
  await place.install();
  expect((await place.install({ overrides: { mirror: "mirror.example" } })).sources.etcd).toBe("mirror.example images of etcd");
});

test("a corrupt binary is got anew, and only that", async () => {
  await using place = await placeWith({ release: writes });
  const { binaries } = await place.install();
  await writeFile(binaries.etcd, "ETCD of a test");
  await place.install();
  expect(place.got).toEqual(["release of kube-apiserver", "release of etcd", "release of etcd"]);
});

test("an interruption leaves no half file", async () => {
  const interruption = new AbortController();
  const interrupted: Get = async ({ name }, folder, { signal }) => {
    await writeFile(join(folder, name), "half");
    interruption.abort(new Interrupted());
    signal.throwIfAborted();
  };
  await using place = await placeWith({ release: interrupted, go: writes });
  await expect(place.install({ signal: interruption.signal })).rejects.toBeInstanceOf(Interrupted);
  expect(await place.left()).toEqual([]);
});

test("what a killed install left is swept", async () => {
  await using place = await placeWith({ release: writes });
  await writeFile(join(place.cache, "unfinished-abcdef"), "half");
  await place.install();
  expect(await place.left()).toEqual(complete);
});

test("of two at once, one gets everything and the other finds it", async () => {
  await using place = await placeWith({ release: writes });
  const [one, other] = await Promise.all([place.install(), place.install()]);
  expect(one).toEqual(other);
  expect(place.got).toEqual(["release of kube-apiserver", "release of etcd"]);
});

test("a full disk is said at once", async () => {
  const full: Get = async () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  await using place = await placeWith({ images: full, release: writes });
  await expect(place.install()).rejects.toMatchObject({ code: "disk-full", message: `The disk of ${place.cache} is full.` });
  expect(await place.left()).toEqual([]);
});

test("a cache that cannot be a folder is named", async () => {
  await using place = await placeWith({ release: writes });
  const file = join(place.cache, "file");
  await writeFile(file, "");
  await expect(place.install({ cache: file })).rejects.toMatchObject({ code: "cache-unwritable", message: expect.stringContaining(file) });
});

test.runIf(process.platform === "linux")("a folder that takes no entries is named, and does not keep one waiting", async () => {
  await using place = await placeWith({ release: writes });
  await expect(place.install({ cache: "/proc/kmsmark/cache" })).rejects.toMatchObject({ code: "cache-unwritable" });
});

test("a defect of kmsmark is not taken for a way that failed", async () => {
  const defect: Get = async () => {
    throw new TypeError("a defect");
  };
  await using place = await placeWith({ images: defect, release: writes });
  await expect(place.install()).rejects.toThrow(TypeError);
});

test("versions are checked before anything else", async () => {
  await using place = await placeWith({});
  await expect(place.install({ kubernetesVersion: "1.28.0" })).rejects.toMatchObject({ code: "unsupported-version" });
  await expect(place.install({ etcdVersion: "latest" })).rejects.toMatchObject({ code: "bad-version" });
});

/** A cache and the ways to fill it; a way that is not given fails. */
async function placeWith(gets: Partial<Record<(typeof ways)[number], Get>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const got: string[] = [];
  const progress: InstallProgress[] = [];
  const way =
    (name: (typeof ways)[number]) =>
    (job: Job): WayToInstall => {
      const source = (component: Component) => [job.overrides.mirror, name, "of", component.name].filter(Boolean).join(" ");
      return {
        source,
        async get(component, into) {
          await (gets[name] ?? fails("not in this test"))(component, into, job);
          got.push(source(component));
        },
      };
    };
  const parts: InstallParts = {
    ways: { images: way("images"), release: way("release"), go: way("go") },
    dockerApi: async () => ({ reason: "tests have no engine" }),
  };
  const request: InstallRequest = {
    kubernetesVersion: "1.37.2",
    etcdVersion: "3.7.3",
    from: "auto",
    cache: folder.path,
    overrides: {},
    environment: {},
    signal: new AbortController().signal,
    progress: (event) => progress.push(event),
    clock: systemClock,
  };
  return {
    cache: folder.path,
    got,
    progress,
    install: (change: Partial<InstallRequest> = {}) => install({ ...request, ...change }, parts),
    /** The names in the cache, but for the lock. */
    left: async () => (await readdir(folder.path)).filter((name) => !name.startsWith("lock-")).sort(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
