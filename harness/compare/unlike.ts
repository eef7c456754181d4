import type { Comparison, RunFacts } from "../run/comparison.ts";
import type { MeasuredCell } from "../run/metric.ts";
import type { Load } from "../run/schema.ts";
import type { Side } from "./side.ts";

/** In what, beside their figures, two runs differ. */
export function unlikenesses(base: Side, other: Side): Comparison["unlike"] {
  const facts = factsOf(base.facts).map(([what, text], at) => ({ what, base: text, other: factsOf(other.facts)[at]?.[1] ?? "" }));
  const loads = { what: "load", base: loadsOf(base.cells), other: loadsOf(other.cells) };
  return [...facts, loads].filter((fact) => fact.base !== fact.other);
}

function factsOf({ machine, target, plugin, seed, kmsmark, status }: RunFacts): readonly (readonly [what: string, text: string])[] {
  return [
    ["machine", `${machine.cpus} × ${machine.cpu}, ${Math.round(machine.memoryBytes / 1024 ** 3)} GiB, ${machine.system}`],
    ["Node.js", machine.node],
    ["target", target === null ? "none" : `${target.kind}${target.isModel ? " (a model)" : ""}`],
    ["kube-apiserver", target?.kubernetes ?? "none"],
    ["etcd", target?.etcd ?? "none"],
    ["KMS plugin", plugin ?? "none"],
    ["kmsmark", kmsmark],
    ["seed", seed],
    ["end", status],
  ];
}

/** The loads of the phases that both runs may have, those alike together. */
function loadsOf(cells: readonly MeasuredCell[]): string {
  const phases = new Map<string, Set<string>>();
  for (const { name, load } of cells.flatMap((cell) => cell.phases)) {
    if (load === null) continue;
    const words = wordsOf(load);
    phases.set(words, (phases.get(words) ?? new Set()).add(name));
  }
  return [...phases].map(([words, names]) => `${[...names].join(", ")}: ${words}`).join("; ") || "none";
}

function wordsOf(load: Load): string {
  return load.model === "open"
    ? `open loop, ${load.arrivals}, ${load.ratePerSecond}/s, at most ${load.inFlightMax} in flight`
    : `closed loop, ${load.inFlight} in flight`;
}
