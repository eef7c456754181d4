/** The names that kube-apiserver's own metrics of encryption at rest begin with (spec encryption-at-rest 5). */
export const encryptionMetricPrefixes = [
  "apiserver_storage_transformation",
  "apiserver_envelope_encryption",
  "apiserver_storage_envelope",
  "apiserver_storage_data_key",
  "apiserver_encryption_config_controller",
] as const;

/** Values by series, `name` or `name{a="x",b="y"}`, with the labels in the order of their names and escaped as in the exposition. */
export type Metrics = ReadonlyMap<string, number>;

/**
 * Reads a Prometheus text exposition (format 0.0.4) and keeps the series whose names begin with one of `prefixes`. Series that it does not
 * keep cost no more than finding the end of their line: an API server exposes megabytes, and the client shares its machine.
 */
export function parseMetrics(exposition: string, prefixes: readonly string[] = encryptionMetricPrefixes): Metrics {
  const metrics = new Map<string, number>();
  for (let start = 0; start < exposition.length; ) {
    const newline = exposition.indexOf("\n", start);
    const end = newline < 0 ? exposition.length : newline;
    if (prefixes.some((prefix) => exposition.startsWith(prefix, start))) {
      const sample = parseSample(exposition.slice(start, end));
      if (sample !== undefined) metrics.set(sample.series, sample.value);
    }
    start = end + 1;
  }
  return metrics;
}

/**
 * What each series changed by, without those that did not change or are no finite number. A series that `before` lacks counts from 0, as counters do; for a server
 * that was restarted in between, `before` is therefore empty.
 */
export function deltas(before: Metrics, after: Metrics): Map<string, number> {
  const changes = new Map<string, number>();
  for (const [series, value] of after) {
    const change = value - (before.get(series) ?? 0);
    if (change !== 0 && Number.isFinite(change)) changes.set(series, change);
  }
  return changes;
}

/** The sum of every series of exactly this name that bears all of `labels`; 0 when there is none. */
export function sumOf(metrics: Metrics, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  let sum = 0;
  for (const [series, value] of metrics) {
    if (!series.startsWith(name)) continue;
    const rest = series.slice(name.length);
    if (rest !== "" && rest[0] !== "{") continue;
    const has = labelsOf(rest);
    if (wanted.every((pair) => has.includes(pair))) sum += value;
  }
  return sum;
}

/** `name{labels} value [timestamp]`, where the labels may hold anything, braces and blanks included. */
const samplePattern = /^([a-zA-Z_:][\w:]*)\s*(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;
const labelPattern = /[a-zA-Z_]\w*\s*=\s*"(?:[^"\\]|\\.)*"/g;

function parseSample(line: string): { series: string; value: number } | undefined {
  const [, name, labels = "", written = ""] = samplePattern.exec(line) ?? [];
  if (name === undefined) return undefined;
  const pairs = labelsOf(labels).sort();
  return { series: pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`, value: numberOf(written) };
}

function labelsOf(braced: string): string[] {
  return (braced.match(labelPattern) ?? []).map((pair) => pair.replace(/\s*=\s*/, "="));
}

/** Go writes infinity as `+Inf`; what no number can be made of is NaN in either language. */
function numberOf(written: string): number {
  const infinity = /^([+-]?)Inf$/i.exec(written);
  if (infinity === null) return Number(written);
  return infinity[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
