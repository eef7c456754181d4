import { UsageError } from "../errors.ts";
import { readRun } from "../run/read-run.ts";
import type { Cell, Latency } from "../run/schema.ts";
import { workCalls } from "../run/verdict.ts";
import type { ClusterFacts } from "../target/cluster-facts.ts";

/** The fields of a fleet that something was measured for, as words, and what has to be known of them. */
export interface PlanSource {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly note: string;
}

/**
 * Reads from a measured run what a plan needs: the KMS's latency as the tap saw it, the version, the number of Secrets, the time of a start.
 * @param kms - which of the two the run must have measured; any where it is undefined
 * @throws UsageError `no-kms-run`; RunFolderError
 */
export async function fieldsOfRun(folder: string, kms: unknown): Promise<PlanSource> {
  const { header, cells } = await readRun(folder);
  const measured = cells.filter(({ provider }) => (kms === undefined ? provider.startsWith("kms-") : provider === `kms-${String(kms)}`));
  const [cell] = measured.toSorted((a, b) => b.secrets - a.secrets);
  if (cell === undefined) {
    throw new UsageError("no-kms-run", `The run ${folder} measured no KMS${typeof kms === "string" ? ` ${kms}` : ""}.`, {
      hint: "Name the folder of a `kmsmark bench` with the provider kms-v1 or kms-v2.",
    });
  }
  const latency = latencyOf(cell);
  const start = cell.phases.find(({ name }) => name === "start");
  return {
    fields: {
      kms: cell.provider === "kms-v1" ? "v1" : "v2",
      secrets: cell.secrets,
      ...(header.target === null ? {} : { kubernetes: header.target.kubernetes }),
      ...(latency === undefined ? {} : { kmsLatency: quantileWords(latency) }),
      ...(start === undefined ? {} : { serverStart: `${Math.round(start.durationMs)}ms` }),
    },
    note: `Measured in the run ${header.runId}: ${cell.secrets} Secrets with ${cell.provider}; ${callsOf(cell)} calls of Encrypt and Decrypt give the latency of the KMS${header.target?.isModel === true ? ". Its API server was a model" : ""}.`,
  };
}

function callsOf(cell: Cell): number {
  return cell.phases.reduce((sum, phase) => sum + workCalls(phase, "Encrypt") + workCalls(phase, "Decrypt"), 0);
}

/** Of the phase and method with the most calls. */
function latencyOf({ phases }: Cell): Latency | undefined {
  const all = phases.flatMap(({ kms }) => [kms?.["Encrypt"]?.latency ?? [], kms?.["Decrypt"]?.latency ?? []].flat());
  return all.toSorted((a, b) => b.count - a.count)[0];
}

function quantileWords({ min, p50, p90, p99, p999 }: Latency): string {
  const points = [
    ["p0", min],
    ["p50", p50],
    ["p90", p90],
    ["p99", p99],
    ["p99.9", p999],
  ] as const;
  return `quantiles(${points.map(([name, ns]) => `${name}=${(ns / 1e6).toFixed(3)}ms`).join(",")})`;
}

/** What a cluster that runs tells of itself. */
export function fieldsOfCluster(facts: ClusterFacts): PlanSource {
  const { kubernetes, apiServers, secrets, secretSize, kms, dekSources, writesPerSecond, readsPerSecond, kmsLatency } = facts;
  const words = kmsLatency.map(({ fraction, ms }) => `p${fraction * 100}=${ms.toFixed(3)}ms`).join(",");
  return {
    fields: {
      kubernetes: kubernetes.replace(/^(v\d+\.\d+\.\d+).*$/, "$1"),
      apiServers,
      secrets: Math.max(1, secrets),
      ...(secretSize === undefined ? {} : { secretSize }),
      ...(kms === undefined ? {} : { kms }),
      ...(dekSources === undefined ? {} : { dekSources: Math.min(dekSources, Math.max(1, secrets)) }),
      writes: rounded(writesPerSecond),
      reads: rounded(readsPerSecond),
      ...(words === "" ? {} : { kmsLatency: `quantiles(${words})` }),
    },
    note: `Read from a cluster that runs: ${secrets} Secrets on ${apiServers} API servers, by metadata and metrics alone; rates are those since its API server started.`,
  };
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
