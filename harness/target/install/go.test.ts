import { chmod, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Interrupted } from "../../errors.ts";
import { VirtualClock } from "../../virtual-clock.ts";
import { goWay } from "./go.ts";
import type { InstallProgress } from "./progress.ts";
import { type Component, type Job, WayFailed } from "./way.ts";

const etcd: Component = { name: "etcd", version: "v3.7.3" };

/** A `go` that answers as the real one and whose build is what `build` says; it writes down what it was called with. */
const goThatBuilds = (build: string) => `
echo "$CGO_ENABLED $GOOS/$GOARCH $GOTOOLCHAIN $GOPROXY $*" >> "$CALLS"
case "$1 $2" in
  "mod download") echo '{"GoMod": "/mod"}' ;;
  "mod edit") echo '{"Go": "1.26.0"}' ;;
  "list -mod=mod") echo "go: downloading a v1" >&2; printf 'one\\ntwo\\n' ;;
  build*) ${build} ;;
esac`;

test("the binary is what go built", async () => {
  await using place = await placeWith(goThatBuilds('echo one >&2; echo "# a warning" >&2; echo two >&2; echo binary > built'));
  await goWay(place.job).get(etcd, place.folder);
  expect(await readFile(join(place.folder, "etcd"), "utf8")).toBe("binary\n");
  expect(place.progress.filter(({ kind }) => kind === "amount")).toEqual([
    { kind: "amount", done: 1, total: undefined, unit: "modules" },
    { kind: "amount", done: 1, total: 2, unit: "packages" },
    { kind: "amount", done: 2, total: 2, unit: "packages" },
  ]);
});

test("go is called for a static Linux binary, with its own toolchain and the user's proxy", async () => {
  await using place = await placeWith(goThatBuilds("echo binary > built"));
  await goWay(place.job).get(etcd, place.folder);
  const before = "0 linux/arm64 local https://proxy.example";
  expect(await place.calls()).toEqual([
    `${before} mod download -json go.etcd.io/etcd/server/v3@v3.7.3`,
    `${before} mod edit -json /mod`,
    `${before} list -mod=mod -deps .`,
    `${before} build -v -mod=mod -trimpath -buildvcs=false -ldflags -s -w -o built .`,
  ]);
});

test("a machine without go is told so", async () => {
  await using place = await placeWith("");
  const job = { ...place.job, environment: { PATH: place.folder } };
  await expect(goWay(job).get(etcd, place.folder)).rejects.toThrow(new WayFailed("there is no `go` on the PATH"));
});

test("a go that is too old is told which is needed", async () => {
  const said = "go: go.etcd.io/etcd/server/v3@v3.7.3 requires go >= 1.26.0 (running go 1.24.4; GOTOOLCHAIN=local)";
  await using place = await placeWith(`echo '{"Error": "${said}"}'; exit 1`);
  await expect(goWay(place.job).get(etcd, place.folder)).rejects.toThrow(
    new WayFailed("etcd v3.7.3 needs go 1.26.0 or later, and the go on the PATH is 1.24.4"),
  );
});

test("a build that fails shows go's last words and leaves no binary", async () => {
  await using place = await placeWith(
    goThatBuilds('echo "go: downloading b v1" >&2; echo "main.go:3: undefined: x" >&2; echo half > built; exit 1'),
  );
  await expect(goWay(place.job).get(etcd, place.folder)).rejects.toThrow(new WayFailed("`go build -v` failed: main.go:3: undefined: x"));
  expect(await readdir(place.folder)).not.toContain("etcd");
});

test("a disk that becomes full is said, and no other way is tried on it", async () => {
  await using place = await placeWith(goThatBuilds('echo "write /x: no space left on device" >&2; exit 1'));
  await expect(goWay(place.job).get(etcd, place.folder)).rejects.toMatchObject({ name: "InstallError", code: "disk-full" });
});

test("an interruption ends go and all that go started", async () => {
  // The sleep holds go's output open, so this settles only when it has ended too.
  const interruption = new AbortController();
  await using place = await placeWith(goThatBuilds("echo one >&2; sleep 1000 & wait"), interruption.signal, () =>
    interruption.abort(new Interrupted()),
  );
  await expect(goWay(place.job).get(etcd, place.folder)).rejects.toBeInstanceOf(Interrupted);
});

test("go and all that go started are killed when they do not end", async () => {
  const interruption = new AbortController();
  await using place = await placeWith(goThatBuilds("trap '' TERM; echo one >&2; sleep 1000"), interruption.signal, () => {
    interruption.abort(new Interrupted());
    void place.clock.advance(5_000);
  });
  await expect(goWay(place.job).get(etcd, place.folder)).rejects.toBeInstanceOf(Interrupted);
});

test("without a home go keeps its caches where they are removed with the rest", async () => {
  await using place = await placeWith(`echo "$GOCACHE $GOPATH $GOFLAGS" >> "$CALLS"; exit 1`);
  const job = { ...place.job, environment: { ...place.job.environment, HOME: undefined, GOFLAGS: "-buildvcs=false" } };
  await expect(goWay(job).get(etcd, place.folder)).rejects.toBeInstanceOf(WayFailed);
  expect(await place.calls()).toEqual([`${place.folder}/go-build ${place.folder}/go -buildvcs=false -modcacherw`]);
});

async function placeWith(go: string, signal = new AbortController().signal, onPackage = () => {}) {
  const stack = new AsyncDisposableStack();
  const root = stack.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-install-")));
  const folder = join(root.path, "unfinished");
  const bin = join(root.path, "bin");
  await mkdir(folder);
  await mkdir(bin);
  if (go !== "") {
    await writeFile(join(bin, "go"), `#!/bin/sh\n${go}\n`);
    await chmod(join(bin, "go"), 0o755);
  }
  const progress: InstallProgress[] = [];
  const clock = new VirtualClock();
  const calls = join(root.path, "calls");
  const job: Job = {
    overrides: {},
    architecture: "arm64",
    environment: { PATH: `${bin}:/usr/bin:/bin`, HOME: root.path, CALLS: calls, GOPROXY: "https://proxy.example" },
    signal,
    progress: (event) => {
      progress.push(event);
      if (event.kind === "amount" && event.unit === "packages") onPackage();
    },
    clock,
  };
  return {
    folder,
    job,
    progress,
    clock,
    calls: async () => (await readFile(calls, "utf8")).trim().split("\n"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
