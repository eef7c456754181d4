import type { Load, Result } from "../harness/run/schema.ts";
import { formatBytes, formatMs, formatNs, formatRate } from "./units.ts";

/** What a reader must know before any figure, in sentences; where a model was measured, the first one says so. */
export function measuredOn({ header, status, durationMs, cells }: Result): string[] {
  const { target, machine } = header;
  const server = `${target.isModel ? "a model of " : ""}kube-apiserver ${target.kubernetes}`;
  const etcd = target.etcd === null ? "" : ` with etcd ${target.etcd}`;
  const model = `These figures are a model's: the target ${target.kind} is no kube-apiserver.`;
  const loads = new Set(cells.flatMap(({ phases }) => phases.flatMap(({ load }) => (load === null ? [] : [describeLoad(load)]))));
  return [
    ...(target.isModel ? [model] : []),
    `Measured on ${server}${etcd}, target ${target.kind}; KMS plugin: ${header.plugin ?? "none"}.`,
    `Run ${header.runId} of ${header.startedAt}: ${status} after ${formatMs(durationMs)}; kmsmark ${header.kmsmark}, seed ${header.seed}.`,
    `Machine: ${machine.cpus} × ${machine.cpu}, ${formatBytes(machine.memoryBytes)}, ${machine.system}, Node.js ${machine.node}; ` +
      `the clock resolves ${formatNs(header.clock.resolutionNs)}.`,
    ...(loads.size === 0 ? [] : [`Load: ${[...loads].join("; ")}.`]),
    ...target.refused.map(({ kind, reason, remedy }) => `Not on ${kind}: ${reason} This would change it: ${remedy}`),
    ...header.notes,
  ];
}

/** Says also from when latency counts, because the two models are not comparable. */
function describeLoad(load: Load): string {
  return load.model === "open"
    ? `open loop, ${formatRate(load.ratePerSecond)}, at most ${load.inFlightMax} in flight, latency from when a request was due`
    : `closed loop, ${load.inFlight} in flight, latency from when a request was sent`;
}
