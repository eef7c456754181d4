import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { sep } from "node:path";
import type { WaitStrategy } from "testcontainers";
import { z } from "zod";
import { messageOf, TargetError } from "../errors.ts";
import { type DockerApi, dockerApi, dockerEngine, findImages, isHttpStatus, removeContainer } from "./install/index.ts";
import { type Launcher, type LaunchRequest, type Running, stopGraceMs } from "./launcher.ts";
import { startRealControlPlane } from "./real-control-plane.ts";
import { notInstalled, refusedError } from "./refusal.ts";
import type { Target } from "./target.ts";

export { removeContainer };

/** Lines of a stopped container's log that are kept when it is removed. */
const keptLines = 200;

/** Names of images that the engine has. */
export interface Images {
  readonly kubeApiserver: string;
  readonly etcd: string;
}

/** etcd and kube-apiserver as containers on the host's network, so that both reach loopback and Unix sockets as processes do. */
export const containersTarget: Target = {
  kind: "containers",
  async readiness(versions) {
    if (process.platform !== "linux") {
      const reason = "containers share the network of the machine on Linux only";
      return { kind: "containers", reason, remedy: "kmsmark bench --target embedded" };
    }
    const engine = await dockerEngine();
    if (!engine.answers) return { kind: "containers", reason: engine.reason, remedy: "sudo apt-get install -y docker.io" };
    return (await findImages(versions)) === undefined ? notInstalled("containers", versions) : undefined;
  },
  async start(spec) {
    const images = await findImages(spec);
    if (images === undefined) throw refusedError((await this.readiness(spec)) ?? notInstalled("containers", spec));
    return await startRealControlPlane(containerLauncher(images), spec);
  },
};

/** Runs the components as this user, in containers that carry the lease's id and see its folder under the same path. */
export function containerLauncher(images: Images): Launcher {
  return {
    kind: "containers",
    launch: (request) => launchContainer(request.component === "etcd" ? images.etcd : images.kubeApiserver, request),
  };
}

async function launchContainer(image: string, { component, flags, folder, reaches, lease }: LaunchRequest): Promise<Running> {
  const found = await dockerApi();
  if (!("api" in found)) throw new TargetError("no-docker-engine", `The Docker engine went away: ${found.reason}.`);
  // Loaded here, because commands that need no engine should not wait for it.
  const { GenericContainer, PullPolicy } = await import("testcontainers");
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  const name = `kmsmark-${lease.id}-${component}-${randomBytes(3).toString("hex")}`;
  lease.addContainer(name);
  try {
    await new GenericContainer(image)
      .withName(name)
      .withLabels({ "kmsmark.lease": lease.id })
      .withEntrypoint([`/usr/local/bin/${component}`])
      .withCommand([...flags])
      .withUser(`${uid}:${gid}`)
      .withNetworkMode("host")
      .withWorkingDir(folder)
      .withBindMounts(mountsFor([folder, ...reaches]))
      .withPullPolicy(PullPolicy.neverPull())
      // The lease remembers what to remove; testcontainers' own reaper would need an image of its own.
      .withAutoCleanup(false)
      .withWaitStrategy(noWait)
      .start();
  } catch (thrown) {
    // Where that fails, too, the lease still remembers it.
    await removeContainer(name).catch(() => undefined);
    throw new TargetError("cannot-run-container", `The Docker engine cannot run ${component} from ${image}: ${messageOf(thrown)}.`, {
      cause: thrown,
    });
  }
  return runningContainer(found.api, name);
}

function runningContainer(api: DockerApi, name: string): Running {
  const container = api.getContainer(name);
  const readLog = async (lines: number) => {
    const tail = Number.isFinite(lines) ? { tail: lines } : {};
    return textOfLog(await container.logs({ stdout: true, stderr: true, follow: false, ...tail }));
  };
  let keptLog: string | undefined;
  // The engine answers when the container ends; until then the open request keeps kmsmark alive.
  const watch = new AbortController();
  const end: Promise<unknown> = container.wait({ abortSignal: watch.signal });
  return {
    ended: end.then(
      (answer) => `exit code ${waitAnswerSchema.parse(answer).StatusCode}`,
      (thrown: unknown) => `lost: ${messageOf(thrown)}`,
    ),
    letGo: () => watch.abort(),
    async stop() {
      if (keptLog !== undefined) return;
      await unlessStatus([304, 404], () => container.stop({ t: stopGraceMs / 1000 }));
      keptLog = (await unlessStatus([404], () => readLog(keptLines))) ?? "";
      await removeContainer(name);
    },
    async logTail(lines) {
      const text = keptLog ?? (await readLog(lines));
      return text.trimEnd().split("\n").slice(-lines).join("\n");
    },
  };
}

const waitAnswerSchema = z.object({ StatusCode: z.number() });

/** Undefined where the engine answers with one of these: 304 says that the container is in that state already, 404 that it is gone. */
async function unlessStatus<T>(harmless: readonly number[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (harmless.some((status) => isHttpStatus(thrown, status))) return undefined;
    throw thrown;
  }
}

/** Each folder under its own path, without those that lie in another one; the engine would make one that does not exist, as root. */
function mountsFor(folders: readonly string[]): { source: string; target: string }[] {
  const distinct = [...new Set(folders)].filter((folder) => existsSync(folder));
  const outermost = distinct.filter((folder) => !distinct.some((other) => folder.startsWith(`${other}${sep}`)));
  return outermost.map((folder) => ({ source: folder, target: folder }));
}

/**
 * The text of a log as the engine sends it for a container without a terminal: frames of one byte for the stream, three of nothing, four
 * for the length, and that many of text (Docker Engine API, "Attach to a container").
 */
export function textOfLog(frames: Uint8Array): string {
  const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength);
  const texts: Uint8Array[] = [];
  for (let at = 0; at + 8 <= frames.length; ) {
    const end = at + 8 + view.getUint32(at + 4);
    texts.push(frames.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(texts).toString();
}

/** Readiness is asked for by real-control-plane.ts, the same way as of processes. */
const noWait: WaitStrategy = {
  waitUntilReady: async () => {},
  withStartupTimeout: () => noWait,
  isStartupTimeoutSet: () => true,
  getStartupTimeout: () => 0,
};
