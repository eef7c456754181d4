import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { systemClock } from "../../harness/clock.ts";
import { Lease } from "../../harness/lease.ts";
import { SecretsClient } from "../../harness/load/api-client.ts";
import { startNullApiServer } from "../../harness/load/null-api-server.ts";
import { population } from "../../harness/load/population.ts";
import { encodeSecret } from "../../harness/load/secret-spec.ts";
import { startPluginProcess } from "../../harness/plugin-process.ts";
import { Random } from "../../harness/random.ts";
import { chooseTarget } from "../../harness/target/choose.ts";
import { cacheFolder, defaultVersions, findBinaries, removeContainer } from "../../harness/target/install/index.ts";
import type { ApiAccess } from "../../harness/target/target.ts";
import { configurationFor } from "../../suites/bench/provider-configuration.ts";
import { runTimed } from "./timed-process.ts";

/** The release that is compared with; `go install` takes it. */
export const k6Version = "v1.8.1";
const buildMsMax = 1_800_000;

/** What one tool reached in one round. */
export interface ApiLoadRound {
  readonly tool: "kmsmark" | "k6";
  /** Counts from 1. */
  readonly round: number;
  readonly creates: number;
  readonly failed: number;
  readonly createsPerSecond: number;
  /** User and system time of the tool's whole process, ms. */
  readonly cpuMs: number;
  /** The same of a process that made a single create, just before. */
  readonly startCpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface CompareK6Options {
  readonly inFlight: number;
  readonly rounds: number;
  /** Of each tool in a round. */
  readonly creates: number;
  /** Takes k6's input. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Told of every round as it ends. */
  readonly onRound?: (round: ApiLoadRound) => void;
}

const run = promisify(execFile);
const namespace = "peers";
const placeholder = "name-of-the-secret";

/** Why k6 cannot be compared with here, as a sentence; undefined where it can. */
export async function k6Lack(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  if ((await findBinaries({ ...defaultVersions, cache: cacheFolder(environment) })) === undefined) {
    return "kube-apiserver and etcd are not installed; `kmsmark install` gets them.";
  }
  if (existsSync(programIn(environment))) return undefined;
  try {
    await run("go", ["version"]);
    return undefined;
  } catch {
    return "there is no `go` on the PATH to build k6 with.";
  }
}

/**
 * Creates of small Secrets on a kube-apiserver that encrypts with KMS v2, by kmsmark's client and by k6 in turns, each in a process of its own, with the
 * same bodies and as many in flight. k6 is given what makes it fast: bodies that need no more than their name put in, no answers kept, no tags.
 * @throws Error where k6 cannot be built, or a tool fails; TargetError
 */
export async function compareWithK6(options: CompareK6Options): Promise<ApiLoadRound[]> {
  const { rounds, folder, environment, signal } = options;
  const program = await installK6(environment, signal);
  await using lease = Lease.take("compare-peers", removeContainer);
  await using plugin = await startPluginProcess({ lease, clock: systemClock, signal });
  const { encryption } = configurationFor("kms-v2", { kmsSocket: plugin.socket, cacheSize: 1000 });
  const { target } = await chooseTarget({
    wanted: "processes",
    ...defaultVersions,
    environment,
    progress: () => {},
    clock: systemClock,
    signal,
  });
  await using plane = await target.start({ ...defaultVersions, encryption, featureGates: {}, lease, clock: systemClock, signal });
  await using client = new SecretsClient({ api: plane.api, connections: 1 });
  await client.createNamespace(namespace, signal);
  await writeInput(folder, plane.api);

  const random = new Random("compare-with-k6");
  const creators: Record<ApiLoadRound["tool"], Tool> = { k6: byK6(program, options), kmsmark: byKmsmark(options) };
  const measured: ApiLoadRound[] = [];
  // Round 0 warms up the API server.
  for (let round = 0; round <= rounds; round++) {
    const order: ApiLoadRound["tool"][] = ["k6", "kmsmark"];
    // Which goes first is drawn, so that neither always finds the warmer caches.
    if (random.below(2) === 0) order.reverse();
    for (const tool of order) {
      const start = await creators[tool](`${tool}-${round}-start`, 1);
      const figures = await creators[tool](`${tool}-${round}`, options.creates);
      if (round === 0) continue;
      const { creates, failed, createsPerSecond, cpuMs, p50Ms, p99Ms } = figures;
      const one = { tool, round, creates, failed, createsPerSecond, cpuMs, startCpuMs: start.cpuMs, p50Ms, p99Ms };
      measured.push(one);
      options.onRound?.(one);
    }
  }
  return measured;
}

/** The same load by kmsmark's client on a server that does nothing, in another process: what the client reaches at best. */
export async function apiLoadFloor(
  options: CompareK6Options,
): Promise<{ readonly createsPerSecond: number; readonly loadCpuUsPerCreate: number }> {
  await using server = await startNullApiServer();
  await writeInput(options.folder, server.api);
  const { createsPerSecond, loadCpuMs, creates } = await byKmsmark(options)("floor", options.creates);
  return { createsPerSecond, loadCpuUsPerCreate: (loadCpuMs * 1000) / creates };
}

type Measured = Omit<ApiLoadRound, "tool" | "round" | "startCpuMs">;
/** Creates so many Secrets, whose names begin with `name`. */
type Tool = (name: string, creates: number) => Promise<Measured>;

function programIn(environment: NodeJS.ProcessEnv): string {
  return join(cacheFolder(environment), "peers", `k6-${k6Version}`, "k6");
}

/** Builds k6 into the cache once, in some minutes; later calls find it there. */
async function installK6(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const program = programIn(environment);
  if (existsSync(program)) return program;
  await run("go", ["install", "-trimpath", `go.k6.io/k6@${k6Version}`], {
    env: { ...environment, GOBIN: join(program, ".."), CGO_ENABLED: "0", GOTOOLCHAIN: "local" },
    timeout: buildMsMax,
    signal,
  });
  return program;
}

const files = { job: "job.json", ca: "ca.pem", script: "create.js", summary: "summary.json" } as const;

async function writeInput(folder: string, api: ApiAccess): Promise<void> {
  // The first of the population is the commonest: user name, password and connection string.
  const spec = population({ secrets: 1, seed: "compare-with-k6" }).at(0);
  const body = Buffer.from(encodeSecret({ ...spec, namespace, name: placeholder }).body).toString();
  const [head = "", tail = ""] = body.split(placeholder);
  await writeFile(join(folder, files.job), JSON.stringify({ api, namespace, head, tail }), { mode: 0o600 });
  await writeFile(join(folder, files.ca), api.caPem);
  await writeFile(join(folder, files.script), script);
}

const script = `import http from "k6/http";
import exec from "k6/execution";
import { Counter } from "k6/metrics";
const { api, namespace, head, tail } = JSON.parse(open(__ENV.JOB));
const refused = new Counter("refused");
export const options = {
  scenarios: {
    create: { executor: "shared-iterations", vus: Number(__ENV.IN_FLIGHT), iterations: Number(__ENV.CREATES), maxDuration: "10m" },
  },
  discardResponseBodies: true,
  systemTags: [],
  summaryTrendStats: ["med", "p(99)"],
};
const url = api.url + "/api/v1/namespaces/" + namespace + "/secrets";
const params = {
  headers: { accept: "application/json", "content-type": "application/json", authorization: "Bearer " + api.identity.token },
};
export default function () {
  const answer = http.post(url, head + __ENV.RUN + "-" + exec.scenario.iterationInTest + tail, params);
  if (answer.status !== 201 || answer.proto !== "HTTP/2.0") refused.add(1);
}
export function handleSummary(data) {
  return { [__ENV.SUMMARY]: JSON.stringify(data) };
}
`;

const summarySchema = z.object({
  state: z.object({ testRunDurationMs: z.number() }),
  metrics: z.object({
    http_reqs: z.object({ values: z.object({ count: z.number() }) }),
    http_req_duration: z.object({ values: z.object({ med: z.number(), "p(99)": z.number() }) }),
    refused: z.object({ values: z.object({ count: z.number() }) }).optional(),
  }),
});

function byK6(program: string, { folder, inFlight, environment, signal }: CompareK6Options): Tool {
  return async (name, creates) => {
    const given = {
      JOB: join(folder, files.job),
      SUMMARY: join(folder, files.summary),
      RUN: name,
      CREATES: String(creates),
      IN_FLIGHT: String(Math.min(inFlight, creates)),
    };
    const flags = ["--quiet", "--no-color", "--log-output=none", "--no-usage-report", "--address="];
    const words = ["run", ...flags, ...Object.entries(given).flatMap(([key, value]) => ["--env", `${key}=${value}`])];
    // Go verifies servers against the certificates of this file.
    const { exitCode, stdout, stderr, cpuMs } = await runTimed(program, [...words, join(folder, files.script)], signal, {
      ...environment,
      SSL_CERT_FILE: join(folder, files.ca),
    });
    if (exitCode !== 0) throw new Error(`k6 ended with ${exitCode}: ${stdout}${stderr}`);
    const { state, metrics } = summarySchema.parse(JSON.parse(await readFile(given.SUMMARY, "utf8")));
    const done = metrics.http_reqs.values.count;
    return {
      creates: done,
      failed: metrics.refused?.values.count ?? 0,
      createsPerSecond: (done * 1000) / state.testRunDurationMs,
      cpuMs,
      p50Ms: metrics.http_req_duration.values.med,
      p99Ms: metrics.http_req_duration.values["p(99)"],
    };
  };
}

const ownReport = z.object({
  creates: z.number(),
  ok: z.number(),
  createsPerSecond: z.number(),
  loadCpuMs: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});

function byKmsmark({ folder, inFlight, signal }: CompareK6Options) {
  const program = fileURLToPath(new URL("../load-api-server.ts", import.meta.url));
  return async (name: string, creates: number) => {
    const words = [program, "--job", join(folder, files.job), "--run", name, "--creates", String(creates), "--in-flight", String(inFlight)];
    const { stdout, stderr, exitCode, cpuMs } = await runTimed(process.execPath, words, signal);
    if (exitCode !== 0) throw new Error(`The load ended with ${exitCode}: ${stdout}${stderr}`);
    const { ok, ...figures } = ownReport.parse(JSON.parse(stdout));
    return { ...figures, failed: figures.creates - ok, cpuMs };
  };
}
