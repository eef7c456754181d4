import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { messageOf, TargetError } from "../errors.ts";
import { cacheFolder, findBinaries } from "./install/index.ts";
import { type Launcher, type LaunchRequest, type Running, stopGraceMs } from "./launcher.ts";
import { startRealControlPlane } from "./real-control-plane.ts";
import { notInstalled, refusedError } from "./refusal.ts";
import type { Target } from "./target.ts";

/** Paths of the programs. */
export interface Binaries {
  readonly kubeApiserver: string;
  readonly etcd: string;
}

/** etcd and kube-apiserver as processes of this machine, from the binaries in the cache that `environment` names. */
export function processesTarget(environment: Readonly<Record<string, string | undefined>>): Target {
  const find = ({ kubernetesVersion, etcdVersion }: Parameters<Target["readiness"]>[0]) =>
    findBinaries({ kubernetesVersion, etcdVersion, cache: cacheFolder(environment) });
  return {
    kind: "processes",
    async readiness(versions) {
      return (await find(versions)) === undefined ? notInstalled("processes", versions) : undefined;
    },
    async start(spec) {
      const binaries = await find(spec);
      if (binaries === undefined) throw refusedError(notInstalled("processes", spec));
      return await startRealControlPlane(processLauncher(binaries), spec);
    },
  };
}

/** Runs the components as children that a Ctrl-C in the terminal does not reach, so that they are stopped in order, and that may outlive kmsmark. */
export function processLauncher(binaries: Binaries): Launcher {
  return {
    kind: "processes",
    launch: (request) => launchProcess(request.component === "etcd" ? binaries.etcd : binaries.kubeApiserver, request),
  };
}

async function launchProcess(binary: string, { name, flags, folder, lease }: LaunchRequest): Promise<Running> {
  const logFile = join(folder, `${name}.log`);
  const log = openSync(logFile, "w", 0o600);
  // An empty environment: etcd would take settings from ETCD_*, and both would ask a proxy for each other.
  const child = spawn(binary, flags, { cwd: folder, env: {}, detached: true, stdio: ["ignore", log, log] });
  if (child.pid !== undefined) lease.addProcess(child.pid);
  closeSync(log);
  child.unref();

  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string>();
  child.once("spawn", started.resolve);
  child.once("error", (thrown) => {
    started.reject(
      new TargetError("cannot-run-binary", `${binary} cannot be run: ${messageOf(thrown)}.`, {
        hint: "Run: kmsmark install",
        cause: thrown,
      }),
    );
  });
  child.once("exit", (code, signal) => ended.resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  await started.promise;

  return {
    ended: ended.promise,
    letGo() {},
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      using _force = systemClock.startTimer(stopGraceMs, () => child.kill("SIGKILL"));
      // The wait keeps kmsmark alive, which the child itself does not.
      child.ref();
      await ended.promise;
    },
    async logTail(lines) {
      const text = await readFile(logFile, "utf8");
      return text.trimEnd().split("\n").slice(-lines).join("\n");
    },
  };
}
