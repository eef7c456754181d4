import type { Phase, PhaseName } from "../harness/run/schema.ts";

/** What one thing that the API server counts grew by. */
export interface ServerCounter {
  readonly title: string;
  /** Of every phase of the cell. */
  readonly growth: ReadonlyMap<PhaseName, number>;
}

type Labels = Readonly<Record<string, string>>;

/** Of kube-apiserver's metrics of encryption at rest those that count what it did, in this order (spec encryption-at-rest 5). */
const counted: readonly { readonly metric: string; title(labels: Labels): string }[] = [
  {
    metric: "apiserver_storage_transformation_operations_total",
    title: ({ transformation_type = "", transformer_prefix = "", status }) =>
      `transformed ${transformation_type.replace("_", " ")}, ${transformer_prefix === "" ? "no prefix" : transformer_prefix}${unlessOk(status)}`,
  },
  { metric: "apiserver_storage_envelope_transformation_cache_misses_total", title: () => "cache misses" },
  { metric: "apiserver_storage_data_key_generation_duration_seconds_count", title: () => "data keys generated" },
  { metric: "apiserver_storage_data_key_generation_failures_total", title: () => "data keys not generated" },
  {
    metric: "apiserver_envelope_encryption_kms_operations_latency_seconds_count",
    title: ({ method_name = "", grpc_status_code }) => `KMS ${method_name.split("/").at(-1)}${unlessOk(grpc_status_code)}`,
  },
];

/** What the API server counted itself, phase by phase; what never grew is left out. */
export function serverCounters({ phases }: { readonly phases: readonly Pick<Phase, "name" | "server">[] }): ServerCounter[] {
  return counted.flatMap(({ metric, title }) => {
    const grown = new Map<string, Map<PhaseName, number>>();
    for (const { name, server } of phases) {
      for (const [series, growth] of Object.entries(server)) {
        const labels = series.slice(metric.length);
        if (!series.startsWith(metric) || (labels !== "" && labels[0] !== "{")) continue;
        const counter = title(parseLabels(labels));
        const byPhase = grown.get(counter) ?? new Map(phases.map((phase) => [phase.name, 0]));
        byPhase.set(name, (byPhase.get(name) ?? 0) + growth);
        grown.set(counter, byPhase);
      }
    }
    return [...grown].map(([counter, growth]) => ({ title: counter, growth })).toSorted((a, b) => (a.title < b.title ? -1 : 1));
  });
}

function unlessOk(status = "OK"): string {
  return status === "OK" ? "" : `, ${status}`;
}

/** Of `{a="x",b="y"}`; values stay escaped as in the exposition. */
function parseLabels(braced: string): Labels {
  return Object.fromEntries([...braced.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = "", value = ""]) => [label, value]));
}
