const unitsMs = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3],
  ["μs", 1e-3],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** Milliseconds of what Go's `time.ParseDuration` takes: `3s`, `1m30s`, `-1.5h`, `0`; undefined for anything else. */
export function parseGoDuration(text: string): number | undefined {
  const [, sign, rest = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined;
  let ms = 0;
  for (const [, count, unit = ""] of rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    ms += Number(count) * (unitsMs.get(unit) ?? 0);
  // Go counts nanoseconds in 63 bits.
  return ms * 1e6 >= 2 ** 63 ? undefined : sign === "-" ? -ms : ms;
}
