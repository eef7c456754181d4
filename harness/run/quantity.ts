/** What kind of thing a figure is; only figures of one kind can be held against each other. Times are nanoseconds, sizes bytes, rates events a second. */
export const dimensions = ["time", "size", "rate", "count"] as const;
export type Dimension = (typeof dimensions)[number];

export interface Quantity {
  readonly value: number;
  readonly dimension: Dimension;
}

/** The units that can be written, of each kind the largest first. */
const units: readonly { readonly unit: string; readonly dimension: Dimension; readonly factor: number }[] = [
  { unit: "h", dimension: "time", factor: 3.6e12 },
  { unit: "m", dimension: "time", factor: 6e10 },
  { unit: "s", dimension: "time", factor: 1e9 },
  { unit: "ms", dimension: "time", factor: 1e6 },
  { unit: "us", dimension: "time", factor: 1e3 },
  { unit: "µs", dimension: "time", factor: 1e3 },
  { unit: "ns", dimension: "time", factor: 1 },
  { unit: "GiB", dimension: "size", factor: 1024 ** 3 },
  { unit: "MiB", dimension: "size", factor: 1024 ** 2 },
  { unit: "KiB", dimension: "size", factor: 1024 },
  { unit: "GB", dimension: "size", factor: 1e9 },
  { unit: "MB", dimension: "size", factor: 1e6 },
  { unit: "kB", dimension: "size", factor: 1e3 },
  { unit: "B", dimension: "size", factor: 1 },
  { unit: "/s", dimension: "rate", factor: 1 },
  { unit: "", dimension: "count", factor: 1 },
];

/** How a quantity of each kind is written, for the sentence of a mistake. */
export const quantityExamples: Readonly<Record<Dimension, string>> = { time: "20ms", size: "64KiB", rate: "200/s", count: "50" };

/** Those in which {@link formatQuantity} writes; nobody reads latencies in hours. */
const written = units.filter(({ unit }) => !["h", "m", "us", "GB", "MB", "kB"].includes(unit));

/** Reads `20ms`, `1.5s`, `64KiB`, `200/s` or `50`; undefined for what is none of these. */
export function parseQuantity(text: string): Quantity | undefined {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)([a-zµ]+|[A-Za-z]+B|B|\/s|)$/.exec(text) ?? [];
  const found = digits === "" ? undefined : units.find((each) => each.unit === unit);
  if (found === undefined) return undefined;
  const value = Number(digits) * found.factor;
  return Number.isFinite(value) ? { value, dimension: found.dimension } : undefined;
}

/** As {@link parseQuantity} reads it: counts whole, all else with at most four significant digits, which is what a histogram knows. */
export function formatQuantity({ value, dimension }: Quantity): string {
  const size = Math.abs(value);
  const ofKind = written.filter((each) => each.dimension === dimension);
  // By what it is once it is rounded: 999.9 µs are 1ms.
  const found = ofKind.find(({ factor }) => Number((size / factor).toPrecision(4)) >= 1) ?? ofKind.at(-1);
  if (found === undefined) return String(value);
  const number = value / found.factor;
  return `${Number.isInteger(number) || size / found.factor >= 1000 ? Math.round(number) : Number(Number(number.toPrecision(4)).toFixed(6))}${found.unit}`;
}
