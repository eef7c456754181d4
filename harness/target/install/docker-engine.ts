import { access, constants } from "node:fs/promises";
import type { ContainerRuntimeClient } from "testcontainers";
import { z } from "zod";
import { systemClock } from "../../clock.ts";
import { messageOf, systemCodeOf, TargetError } from "../../errors.ts";

/** The Docker API client (dockerode). */
export type DockerApi = ContainerRuntimeClient["container"]["dockerode"];

/** An engine that does not answer within this time counts as none. */
const answerMsMax = 5_000;
const usualSocket = "/var/run/docker.sock";

/** Whether a Docker engine, or what speaks its API, answers. `reason` is a sentence without its full stop. */
export async function dockerEngine(): Promise<
  { readonly answers: true; readonly version: string } | { readonly answers: false; readonly reason: string }
> {
  const found = await dockerApi();
  return "api" in found ? { answers: true, version: found.version } : { answers: false, reason: found.reason };
}

/** The engine's API, looked for where testcontainers looks: DOCKER_HOST, its own configuration, Docker's context, the usual sockets. */
export async function dockerApi(): Promise<{ readonly api: DockerApi; readonly version: string } | { readonly reason: string }> {
  const { promise: tooLate, resolve } = Promise.withResolvers<{ reason: string }>();
  using _timer = systemClock.startTimer(answerMsMax, () => resolve({ reason: `no Docker engine answers within ${answerMsMax / 1000} s` }));
  return Promise.race([tooLate, askEngine()]);
}

async function askEngine(): Promise<{ api: DockerApi; version: string } | { reason: string }> {
  const wanted = process.env["DOCKER_HOST"];
  try {
    // Loaded here, because it takes a quarter of a second that commands which need no engine should not wait for.
    const { getContainerRuntimeClient } = await import("testcontainers");
    const client = await getContainerRuntimeClient();
    const api = client.container.dockerode;
    // Where nothing answers there testcontainers takes the next engine that it finds, which is not what was asked for.
    if (wanted && !isAt(api, wanted)) return { reason: await whyNoEngine("") };
    // The client is remembered once it was found; the engine may be gone since.
    const { Version } = await api.version();
    return { api, version: Version };
  } catch (thrown) {
    return { reason: await whyNoEngine(messageOf(thrown)) };
  }
}

/** As dockerode keeps it. */
const modemSchema = z.object({ socketPath: z.string().optional(), host: z.string().optional() });

/** Whether the client talks to the engine that DOCKER_HOST names. */
function isAt(api: DockerApi, dockerHost: string): boolean {
  if (!URL.canParse(dockerHost)) return false;
  const { hostname, pathname } = new URL(dockerHost);
  const { host, socketPath } = modemSchema.parse(api.modem);
  return hostname === "" ? socketPath === pathname : host === hostname;
}

/** testcontainers tells the reasons to its debug log only; these are the ones that people meet. */
async function whyNoEngine(message: string): Promise<string> {
  if (process.env["DOCKER_HOST"]) return "no Docker engine answers at DOCKER_HOST";
  try {
    await access(usualSocket, constants.R_OK | constants.W_OK);
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return `there is no Docker engine: ${usualSocket} does not exist and DOCKER_HOST is not set`;
    if (systemCodeOf(thrown) === "EACCES") return `this user may not use the Docker engine: ${usualSocket} is not open to it`;
  }
  return `no Docker engine answers at ${usualSocket} (${message})`;
}

/**
 * Removes a container by name or id, running or not; nothing happens where it is not there. Fails with TargetError `no-engine` where no engine
 * answers, so that nobody takes the container for removed.
 */
export async function removeContainer(name: string): Promise<void> {
  const found = await dockerApi();
  if (!("api" in found)) throw new TargetError("no-engine", `The container ${name} cannot be removed: ${found.reason}.`);
  try {
    await found.api.getContainer(name).remove({ force: true, v: true });
  } catch (thrown) {
    // 404: gone. 409: its removal is already going on.
    if (!isHttpStatus(thrown, 404) && !isHttpStatus(thrown, 409)) throw thrown;
  }
}

/** Whether the engine answered a request with this HTTP status. */
export function isHttpStatus(thrown: unknown, status: number): boolean {
  return thrown instanceof Error && "statusCode" in thrown && thrown.statusCode === status;
}
