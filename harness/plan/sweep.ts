import { UsageError } from "../errors.ts";
import { type Fleet, type FleetField, parseFleet } from "./fleet.ts";

/** A field and the values that it takes, one after the other. */
export interface Sweep {
  readonly name: SweepField;
  readonly values: readonly number[];
}

const fields = [
  "secrets",
  "apiServers",
  "clusters",
  "cachesize",
  "writes",
  "reads",
  "migrationRate",
  "dekSources",
] as const satisfies readonly FleetField[];
type SweepField = (typeof fields)[number];

/** Points between two powers of ten, 1, 2 and 5, beside the two ends. */
const steps = [1, 2, 5] as const;

/**
 * Reads `secrets=50..10e6`, or a list as `apiServers=1,3,5`.
 * @throws UsageError `bad-sweep`, and for values that the field cannot have `bad-fleet`
 */
export function parseSweep(text: string, fleet: Readonly<Record<string, unknown>>, label: (field: string) => string): Sweep {
  const [, word = "", values = ""] = /^([a-zA-Z-]+)=(.+)$/.exec(text.trim()) ?? [];
  const name = fields.find((field) => field === word || label(field) === `--${word}`);
  if (name === undefined) throw badSweep(text);
  const [, from, to] = /^([^.,]+)\.\.([^.,]+)$/.exec(values) ?? [];
  const numbers = from === undefined || to === undefined ? values.split(",").map(Number) : between(Number(from), Number(to));
  if (numbers.length === 0 || numbers.length > 200 || numbers.some((value) => !Number.isFinite(value))) throw badSweep(text);
  return { name, values: numbers.map((value) => fieldOf(parseFleet({ ...fleet, [name]: value }, label), name)) };
}

function fieldOf(fleet: Fleet, name: SweepField): number {
  const value = fleet[name];
  if (value === undefined) throw new RangeError(`The fleet has no ${name}.`);
  return value;
}

function between(from: number, to: number): number[] {
  if (!(from > 0 && to >= from && Number.isFinite(to))) return [];
  const values = new Set([from]);
  for (let power = 10 ** Math.floor(Math.log10(from)); power <= to; power *= 10) {
    for (const step of steps) if (step * power > from && step * power < to) values.add(Math.round(step * power * 1e9) / 1e9);
  }
  return [...values.add(to)];
}

function badSweep(text: string): UsageError {
  return new UsageError("bad-sweep", `--sweep "${text}" cannot be understood: it takes a field and its values.`, {
    hint: `For instance secrets=50..10e6 or apiServers=1,3,5; the fields are ${fields.join(", ")}.`,
  });
}
