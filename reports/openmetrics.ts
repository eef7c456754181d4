import type { EnvelopeCheck, Latency, Result } from "../harness/run/schema.ts";
import { verdicts } from "../harness/run/verdict.ts";
import { oneLine } from "./escape.ts";
import type { Reporter } from "./reporter.ts";
import { type CellRows, sectionsOf } from "./rounds.ts";

/**
 * The figures for a monitoring system, in OpenMetrics 1.0. All families are gauges or summaries, so that the file is Prometheus's own text
 * format 0.0.4 as well, which knows neither a type `info` nor how OpenMetrics names counters; and what a run counted begins at nothing in
 * the next one, which a counter would pass off as a reset.
 */
export const openmetrics = {
  id: "openmetrics",
  file: "metrics.prom",
  render: (result) => {
    const shared = subjectOf(result);
    const families = [...runFamilies(result), ...cellFamilies(result), ...checkFamilies(result), ...planFamilies(result)];
    return [...families.filter(({ samples }) => samples.length > 0).flatMap((family) => lines(family, shared)), "# EOF", ""].join("\n");
  },
} satisfies Reporter;

type Labels = Readonly<Record<string, string | number>>;

interface Family {
  /** Ends in its unit, where it has one. */
  readonly name: string;
  readonly type: "gauge" | "summary";
  readonly unit?: "seconds" | "bytes";
  readonly help: string;
  readonly samples: readonly Sample[];
}

interface Sample {
  /** Behind the family's name: `_sum`, `_count`. */
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** What stands with every figure: what it was measured on, and whether it is a measurement at all. */
function subjectOf({ header: { target }, plan }: Result): Labels {
  return { target: target?.kind ?? "none", figures: target?.isModel === true || plan !== null ? "model" : "measured" };
}

function runFamilies(result: Result): Family[] {
  const { header, status, durationMs, thresholds, floor } = result;
  const { runId, command, kmsmark, seed, plugin, target } = header;
  const facts = { run: runId, command, status, kmsmark, seed, plugin: plugin ?? "none" };
  const versions = { kubernetes: target?.kubernetes ?? "none", etcd: target?.etcd ?? "none" };
  return [
    gauge("kmsmark_run_info", "What the figures are of.", [{ labels: { ...facts, ...versions }, value: 1 }]),
    gauge("kmsmark_run_passed", "1 where the run shows no fault.", [{ labels: {}, value: verdicts(result).exitCode === 0 ? 1 : 0 }]),
    seconds("kmsmark_run_start_time_seconds", "When the run began, since 1970.", [
      { labels: {}, value: Date.parse(header.startedAt) / 1000 },
    ]),
    seconds("kmsmark_run_duration_seconds", "How long the run took.", [{ labels: {}, value: durationMs / 1000 }]),
    gauge(
      "kmsmark_threshold_holds",
      "1 where the threshold holds, in every run of several.",
      [...Map.groupBy(thresholds, ({ expression }) => expression)].map(([expression, alike]) => ({
        labels: { expression },
        value: alike.every(({ holds }) => holds) ? 1 : 0,
      })),
    ),
    summary(
      "kmsmark_floor_round_trip_seconds",
      "A call of the client to a server that does nothing.",
      Object.entries(floor?.roundTrips ?? {}).flatMap(([connection, latency]) => quantiles(latency, { connection })),
    ),
    summary(
      "kmsmark_floor_event_loop_delay_seconds",
      "How late the event loop of an idle client is.",
      floor === null ? [] : quantiles(floor.eventLoopDelay, {}),
    ),
    seconds("kmsmark_floor_clock_resolution_seconds", "The smallest step of the clock that was seen.", [
      { labels: {}, value: (floor?.clockResolutionNs ?? header.clock.resolutionNs) / 1e9 },
    ]),
  ];
}

/** Of several rounds what was measured in all of them together. */
function cellFamilies(result: Result): Family[] {
  const cells = sectionsOf(result).flatMap(({ rows }) => rows.map((row) => ({ row, labels: cellLabels(row) })));
  const phases = cells.flatMap(({ row, labels }) => row.phases.map((phase) => ({ phase, labels: { ...labels, phase: phase.name } })));
  const calls = phases.flatMap(({ phase, labels }) =>
    Object.entries(phase.kms ?? {}).map(([method, counted]) => ({ counted, labels: { ...labels, method } })),
  );
  const envelopes = cells.flatMap(({ row, labels }) => (row.envelopes === null ? [] : [{ check: row.envelopes, labels }]));
  return [
    summary(
      "kmsmark_request_latency_seconds",
      "From when a request was due, with a closed loop from when it was sent, until its answer was complete.",
      phases.flatMap(({ phase, labels }) => quantiles(phase.latency, labels)),
    ),
    gauge(
      "kmsmark_requests",
      "Requests by what became of them; dropped is what was due and never sent.",
      phases.flatMap(({ phase: { requests }, labels }) =>
        (["ok", "failed", "dropped"] as const).map((outcome) => ({ labels: { ...labels, outcome }, value: requests[outcome] })),
      ),
    ),
    seconds(
      "kmsmark_phase_duration_seconds",
      "How long the phase took.",
      phases.map(({ phase, labels }) => ({ labels, value: phase.durationMs / 1000 })),
    ),
    gauge(
      "kmsmark_kms_calls",
      "KMS calls at the tap; probe is a health check of KMS v1.",
      calls.flatMap(({ counted, labels }) => [
        { labels: { ...labels, purpose: "work" }, value: counted.calls - counted.probes },
        { labels: { ...labels, purpose: "probe" }, value: counted.probes },
      ]),
    ),
    gauge(
      "kmsmark_kms_calls_failed",
      "Those of the KMS calls that ended with an error.",
      calls.map(({ counted, labels }) => ({ labels, value: counted.failed })),
    ),
    summary(
      "kmsmark_kms_call_latency_seconds",
      "A KMS call as the tap saw it.",
      calls.flatMap(({ counted, labels }) => quantiles(counted.latency, labels)),
    ),
    gauge(
      "kmsmark_envelopes",
      "Stored values that were read in etcd, by whether they are what they should be.",
      envelopes.flatMap(({ check: { total, right }, labels }) => [
        { labels: { ...labels, verdict: "right" }, value: right },
        { labels: { ...labels, verdict: "wrong" }, value: total - right },
      ]),
    ),
    sizes("kmsmark_secret_plaintext_bytes", "Of a Secret on average, before it is encrypted.", envelopes, "plaintextBytes"),
    sizes("kmsmark_secret_stored_bytes", "Of a Secret on average, as it lies in etcd.", envelopes, "storedBytes"),
  ];
}

function cellLabels({ benchmark, provider, secrets, parameters }: CellRows): Labels {
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return { benchmark, provider, secrets, ...(words.length === 0 ? {} : { parameters: words.join(" ") }) };
}

function sizes(
  name: string,
  help: string,
  envelopes: readonly { readonly check: EnvelopeCheck; readonly labels: Labels }[],
  of: "plaintextBytes" | "storedBytes",
): Family {
  const checked = envelopes.filter(({ check }) => check.total > 0);
  return {
    ...gauge(
      name,
      help,
      checked.map(({ check, labels }) => ({ labels, value: check[of] / check.total })),
    ),
    unit: "bytes",
  };
}

function checkFamilies({ checks, steps }: Result): Family[] {
  return [
    gauge(
      "kmsmark_checks",
      "Checks of a conformance run by their verdict.",
      tally(checks.map(({ area, level, verdict }) => ({ area, level, verdict }))),
    ),
    gauge("kmsmark_steps", "Steps of a procedure by their verdict.", tally(steps.map(({ part, verdict }) => ({ part, verdict })))),
  ];
}

/** How often each set of labels is there. */
function tally(all: readonly Labels[]): Sample[] {
  const alike = Map.groupBy(all, (labels) => JSON.stringify(labels));
  return [...alike.values()].flatMap((group) => group.slice(0, 1).map((labels) => ({ labels, value: group.length })));
}

function planFamilies({ plan }: Result): Family[] {
  return [
    gauge(
      "kmsmark_plan_kms_calls_per_month",
      "KMS calls that a plan predicts, at the least and at the most.",
      (plan?.calls ?? []).flatMap(({ cause, method, perMonth }) =>
        (["min", "max"] as const).map((bound) => ({ labels: { cause, method, bound }, value: perMonth[bound] })),
      ),
    ),
  ];
}

const summed: readonly (readonly [quantile: string, of: "p50" | "p90" | "p99" | "p999" | "max"])[] = [
  ["0.5", "p50"],
  ["0.9", "p90"],
  ["0.99", "p99"],
  ["0.999", "p999"],
  ["1", "max"],
];

/**
 * A distribution, nanoseconds, as a summary in seconds; nothing where nothing was timed. A quantile of the histogram is the upper end of a
 * bucket, the maximum was measured: none is above it.
 */
function quantiles(latency: Latency | null, labels: Labels): Sample[] {
  if (latency === null) return [];
  return [
    ...summed.map(([quantile, of]) => ({ labels: { ...labels, quantile }, value: Math.min(latency[of], latency.max) / 1e9 })),
    { suffix: "_sum", labels, value: (latency.mean * latency.count) / 1e9 },
    { suffix: "_count", labels, value: latency.count },
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function seconds(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", unit: "seconds", help, samples };
}

function summary(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "summary", unit: "seconds", help, samples };
}

function lines({ name, type, unit, help, samples }: Family, shared: Labels): string[] {
  const values = new Map<string, number>();
  for (const { suffix = "", labels, value } of samples) {
    const series = `${name}${suffix}{${labelText({ ...shared, ...labels })}}`;
    // None may stand there twice, whatever others called things.
    if (!values.has(series)) values.set(series, value);
  }
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
    ...[...values].map(([series, value]) => `${series} ${value}`),
  ];
}

/** Backslash, quote and line feed are all that may not stand in a value as they are (OpenMetrics 1.0, ABNF `escaped-string`). */
function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${oneLine(String(value)).replaceAll(/[\\"]/g, "\\$&")}"`)
    .join(",");
}
