import { execFile } from "node:child_process";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { systemClock } from "../../clock.ts";
import { describeReal } from "../real-test.ts";
import { cacheFolder } from "./cache.ts";
import { goWay } from "./go.ts";
import { install } from "./install.ts";
import { defaultVersions } from "./versions.ts";
import { architectureOf, type Job } from "./way.ts";

const run = promisify(execFile);
const job: Job = {
  overrides: {},
  architecture: architectureOf(process.arch),
  environment: process.env,
  signal: new AbortController().signal,
  progress: () => {},
  clock: systemClock,
};
const lackOfGo = await run("go", ["version"]).then(
  () => undefined,
  () => "there is no go on the PATH",
);

await describeReal("processes", "install", () => {
  test("what is installed verifies and is of the versions that were asked for", async () => {
    const { binaries } = await install({ ...job, ...defaultVersions, from: "auto", cache: cacheFolder(process.env) });
    expect((await run(binaries.kubeApiserver, ["--version"])).stdout.trim()).toBe(`Kubernetes ${defaultVersions.kubernetesVersion}`);
    expect((await run(binaries.etcd, ["--version"])).stdout).toContain(`etcd Version: ${defaultVersions.etcdVersion.slice(1)}\n`);
  });

  test.skipIf(lackOfGo !== undefined)(
    `etcd is built from its Go modules${lackOfGo === undefined ? "" : ` (skipped: ${lackOfGo})`}`,
    async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
      await goWay(job).get({ name: "etcd", version: defaultVersions.etcdVersion }, folder.path);
      expect((await run(join(folder.path, "etcd"), ["--version"])).stdout).toContain("etcd Version: 3.7.3\n");
    },
  );
});
