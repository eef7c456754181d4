/** Three significant digits, without an exponent below 1000. */
function significant(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** Nanoseconds as a person reads them: `812 ns`, `41.5 µs`, `1.23 ms`, `8.00 s`. */
export function formatNs(ns: number): string {
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  if (ns < 999.5e3) return `${significant(ns / 1e3)} µs`;
  return ns < 999.5e6 ? `${significant(ns / 1e6)} ms` : `${significant(ns / 1e9)} s`;
}

/** Milliseconds, in the unit that suits them. */
export function formatMs(ms: number): string {
  return formatNs(ms * 1e6);
}

/** Bytes, in powers of 1024: `812 B`, `1.23 KiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1023.5) return `${Math.round(bytes)} B`;
  if (bytes < 1023.5 * 1024) return `${significant(bytes / 1024)} KiB`;
  return bytes < 1023.5 * 1024 ** 2 ? `${significant(bytes / 1024 ** 2)} MiB` : `${significant(bytes / 1024 ** 3)} GiB`;
}

/** How often in a second: `8.25/s`, `812/s`. */
export function formatRate(perSecond: number): string {
  return `${significant(perSecond)}/s`;
}

/** What the names of figures end in, and how a value of each is shown. */
const figureUnits: readonly { readonly ends: RegExp; show(value: number): string }[] = [
  { ends: /Ms(?=(P\d+|Max|Min|Total)?$)/, show: formatMs },
  { ends: /Us(?=(P\d+|Max|Min|Total)?$)/, show: (us) => formatNs(us * 1000) },
  { ends: /Bytes(?=(P\d+|Max|Min|Total)?$)/, show: formatBytes },
  { ends: /PerSecond$/, show: formatRate },
];

/** A figure of a phase in the unit that its name ends in: `readyMs`, `eventMsP99`, `edekBytes`; a bare number otherwise. */
export function formatFigure(name: string, value: number): string {
  const unit = figureUnits.find(({ ends }) => ends.test(name));
  if (unit !== undefined) return unit.show(value);
  return Number.isInteger(value) ? String(value) : significant(value);
}

/** The name of a figure in words, without the unit that its values bear: `event p99`, `edek`, `api server1 kms calls`. */
export function figureTitle(name: string): string {
  return figureUnits
    .reduce((text, { ends }) => text.replace(ends, ""), name)
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase();
}
