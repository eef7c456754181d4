import { stringify } from "csv-stringify/sync";
import type { Cell, Header, Phase } from "../harness/run/schema.ts";
import { workCalls } from "../harness/run/verdict.ts";
import { oneLine } from "./escape.ts";
import { ratePerSecond } from "./phase-columns.ts";
import type { Reporter } from "./reporter.ts";

/** One row a provider, round and phase, for spreadsheets. Formulas that others may have written into a name are made harmless. */
export const csv = {
  id: "csv",
  file: "phases.csv",
  isFor: ({ cells, checks, steps, plan }) => cells.length > 0 || (checks.length + steps.length === 0 && plan === null),
  render: ({ header: { target }, cells }) =>
    stringify(
      cells.flatMap((cell) => cell.phases.map((phase) => row(cell, phase, target))),
      {
        header: true,
        columns: [...columns],
        escape_formulas: true,
      },
    ),
} satisfies Reporter;

const columns = [
  "target",
  "kubernetes",
  "provider",
  "secrets",
  "phase",
  "duration_ms",
  "due",
  "ok",
  "failed",
  "dropped",
  "rate_per_second",
  "latency_p50_ns",
  "latency_p90_ns",
  "latency_p99_ns",
  "latency_p999_ns",
  "latency_max_ns",
  "encrypt_calls",
  "decrypt_calls",
  "status_calls",
  "version_calls",
  "probe_calls",
  "envelopes_right",
  "envelopes_total",
  "plaintext_bytes",
  "stored_bytes",
  "benchmark",
  "parameters",
  "round",
  "figures",
  "client_cpu_us_per_request",
  "client_event_loop_delay_max_ms",
  "client_gc_pause_max_ms",
  "client_send_delay_p99_ms",
] as const;

function row(cell: Cell, phase: Phase, target: Header["target"]): Record<(typeof columns)[number], string | number | null> {
  const { requests, latency, kms, client } = phase;
  const calls = (method: string) => (kms === null ? null : workCalls(phase, method));
  return {
    target: target?.kind ?? "",
    kubernetes: oneLine(target?.kubernetes ?? ""),
    provider: cell.provider,
    secrets: cell.secrets,
    phase: phase.name,
    duration_ms: phase.durationMs,
    ...requests,
    rate_per_second: phase.load === null ? null : Math.round(ratePerSecond(phase) * 1000) / 1000,
    latency_p50_ns: latency?.p50 ?? null,
    latency_p90_ns: latency?.p90 ?? null,
    latency_p99_ns: latency?.p99 ?? null,
    latency_p999_ns: latency?.p999 ?? null,
    latency_max_ns: latency?.max ?? null,
    encrypt_calls: calls("Encrypt"),
    decrypt_calls: calls("Decrypt"),
    status_calls: calls("Status"),
    version_calls: calls("Version"),
    // KMS v1's health checks, which the columns before do not count.
    probe_calls: kms === null ? null : Object.values(kms).reduce((sum, { probes }) => sum + probes, 0),
    envelopes_right: cell.envelopes?.right ?? null,
    envelopes_total: cell.envelopes?.total ?? null,
    plaintext_bytes: cell.envelopes?.plaintextBytes ?? null,
    stored_bytes: cell.envelopes?.storedBytes ?? null,
    benchmark: oneLine(cell.benchmark),
    parameters: oneLine(namesAndValues(cell.parameters)),
    round: cell.round,
    figures: namesAndValues(phase.figures),
    client_cpu_us_per_request: client?.cpuUsPerRequest ?? null,
    client_event_loop_delay_max_ms: client?.eventLoopDelayMaxMs ?? null,
    client_gc_pause_max_ms: client?.gcPauseMaxMs ?? null,
    client_send_delay_p99_ms: client?.sendDelayMsP99 ?? null,
  };
}

/** `kmsLatencyMs=10 apiServers=3`. */
function namesAndValues(pairs: Readonly<Record<string, number | string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
