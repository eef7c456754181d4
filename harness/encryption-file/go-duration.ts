import { quote } from "./go-text.ts";

const unitsNs = new Map([
  ["ns", 1n],
  ["us", 1000n],
  ["µs", 1000n],
  ["μs", 1000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);
const nsMax = 2n ** 63n;

/** Nanoseconds of what Go's `time.ParseDuration` takes (`3s`, `1m30s`, `-1.5h`, `0`), or its words against it. */
export function parseDuration(text: string): { readonly ns: bigint } | { readonly fault: string } {
  const invalid = { fault: `time: invalid duration ${quote(text)}` };
  const isNegative = text.startsWith("-");
  let rest = text.replace(/^[-+]/, "");
  if (rest === "0") return { ns: 0n };
  if (rest === "") return invalid;
  let sum = 0n;
  while (rest !== "") {
    const [all = "", whole = "", point = "", fraction = "", unit = ""] = /^(\d*)(\.?)(\d*)([^.\d]*)/.exec(rest) ?? [];
    if (whole === "" && fraction === "") return invalid;
    if (point === "" && BigInt(whole) > nsMax) return invalid;
    if (unit === "") return { fault: `time: missing unit in duration ${quote(text)}` };
    const unitNs = unitsNs.get(unit);
    if (unitNs === undefined) return { fault: `time: unknown unit ${quote(unit)} in duration ${quote(text)}` };
    sum += BigInt(whole === "" ? "0" : whole) * unitNs + BigInt(Math.trunc(Number(`0.${fraction}`) * Number(unitNs)));
    if (sum > nsMax) return invalid;
    rest = rest.slice(all.length);
  }
  if (isNegative) return { ns: -sum };
  return sum === nsMax ? invalid : { ns: sum };
}

/** What Go's `Duration.String` writes: `1h30m0s`, `1.5s`, `-15µs`, `0s`. */
export function formatDuration(ns: bigint): string {
  const sign = ns < 0n ? "-" : "";
  const size = ns < 0n ? -ns : ns;
  if (size === 0n) return "0s";
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 3)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 6)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${decimal(size % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  return `${sign}${minutes < 60n ? "" : `${minutes / 60n}h`}${minutes % 60n}m${seconds}`;
}

/** A number with so many of its digits behind the point, zeros at the end left out. */
function decimal(size: bigint, places: number): string {
  const digits = size.toString().padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  return digits.slice(0, -places) + (fraction === "" ? "" : `.${fraction}`);
}
