import { parameterWords } from "../../harness/run/fold.ts";
import type { Phase } from "../../harness/run/schema.ts";
import { workCalls } from "../../harness/run/verdict.ts";
import { countAxis } from "../charts/axes.ts";
import type { BarChart, BarPart, CurveChart, Kind, Point, Series } from "../charts/chart.ts";
import { kmsCalls } from "../kms-calls.ts";
import { type CellRows, sectionsOf } from "../rounds.ts";
import { type CellGroup, cellGroups, isLargest, measuredKind, providerTones } from "./cell-groups.ts";
import { methodTone } from "./over-time.ts";
import type { Charts, Sections } from "./section.ts";

const openMax = 8;

/** What each phase asked of the KMS, and how that grows with the number of Secrets. */
export const kmsSections: Sections = (result) => {
  const kind = measuredKind(result);
  const growth = growthCharts(
    sectionsOf(result).flatMap(({ rows }) => rows),
    kind,
  );
  const groups = cellGroups(result);
  const parts: Charts[] = growth.length === 0 ? [] : [{ charts: growth, folded: null }];
  let open = 0;
  for (const group of groups.toSorted((a, b) => Number(isLargest(b, groups)) - Number(isLargest(a, groups)))) {
    const charts = phaseCharts(group, kind);
    if (charts.length === 0) continue;
    const lies = isLargest(group, groups) && open + charts.length <= openMax;
    if (lies) open += charts.length;
    parts.push({ charts, folded: lies ? null : `KMS calls by phase, ${group.title}` });
  }
  return parts.length === 0 ? [] : [{ id: "kms", title: "KMS calls", parts }];
};

/** A chart a provider that asked the KMS at all, all with one scale; a phase that asked nothing has its line nevertheless. */
function phaseCharts(group: CellGroup, kind: Kind): BarChart[] {
  const asking = group.rows.flatMap(({ label, phases }) => {
    const bars = phases.map((phase) => ({
      name: phase.name,
      parts: kmsCalls({ phases: [phase] }).map(
        ({ method, calls }): BarPart => ({ name: method, tone: methodTone(method), kind, value: calls }),
      ),
    }));
    return bars.some(({ parts }) => parts.length > 0) ? [{ label, bars }] : [];
  });
  const valueMax = Math.max(0, ...asking.flatMap(({ bars }) => bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0))));
  return asking.map(({ label, bars }, at) => ({
    shape: "bars",
    id: `calls-${group.id}-${at + 1}`,
    title: `KMS calls by phase: ${[label, ...(label.includes(group.title) ? [] : [group.title])].join(", ")}`,
    caption: null,
    rows: "phase",
    value: countAxis("KMS calls", "kms_calls", "linear"),
    valueMax,
    bars,
  }));
}

const methods = ["Encrypt", "Decrypt"] as const;

/** A chart for each phase and method that was called at more than one number of Secrets, with the model's prediction where it made one. */
function growthCharts(rows: readonly CellRows[], kind: Kind): CurveChart[] {
  const alike = Map.groupBy(rows, ({ benchmark, parameters }) => [benchmark, ...parameterWords(parameters)].join(", "));
  return [...alike].flatMap(([name, ofName], at) => {
    if (new Set(ofName.map(({ secrets }) => secrets)).size < 2) return [];
    const phases = [...new Set(ofName.flatMap((row) => row.phases.map((phase) => phase.name)))];
    return phases.flatMap((phase) =>
      methods.flatMap((method): CurveChart[] => {
        const series = growthOf(ofName, phase, method, kind);
        // What does not grow is told by the charts of the phases.
        if (series.every(({ points }) => points.every(({ y }) => y === points[0]?.y))) return [];
        return [
          {
            shape: "curves",
            id: `growth-${at + 1}-${phase}-${method.toLowerCase()}`,
            title: `${method} calls in ${phase}${alike.size > 1 || name !== "lifecycle" ? `: ${name}` : ""}`,
            caption: null,
            width: "narrow",
            x: countAxis("Secrets", "secrets", "log"),
            panels: [{ y: countAxis(`${method} calls`, "kms_calls", "zero-log"), as: "marks", series }],
          },
        ];
      }),
    );
  });
}

function growthOf(rows: readonly CellRows[], phaseName: string, method: (typeof methods)[number], kind: Kind): Series[] {
  const sorted = rows.toSorted((a, b) => a.secrets - b.secrets);
  return [...Map.groupBy(sorted, ({ provider }) => provider)].flatMap(([provider, ofProvider]): Series[] => {
    const phases = ofProvider.flatMap(({ secrets, phases: of, rounds }) =>
      of.flatMap((phase) => (phase.name === phaseName && phase.kms !== null ? [{ secrets, phase, rounds }] : [])),
    );
    // A provider that never asks a KMS has no line; one that does not in this phase has one at 0.
    if (!ofProvider.some((row) => row.phases.some(({ kms }) => Object.keys(kms ?? {}).length > 0)) || phases.length === 0) return [];
    const tone = providerTones[provider];
    const predicted = phases.flatMap(({ secrets, phase }) => predictionOf(phase, secrets, method));
    return [
      // Rounds are counted together, and a round is what is predicted.
      {
        name: provider,
        tone,
        kind,
        points: phases.map(({ secrets, phase, rounds }) => ({ x: secrets, y: workCalls(phase, method) / rounds.length })),
      },
      ...(predicted.length === 0 ? [] : [{ name: provider, tone, kind: "predicted", points: predicted } as const]),
    ];
  });
}

function predictionOf({ predictions }: Phase, secrets: number, method: string): Point[] {
  const found = predictions.find(({ what }) => what === `${method} calls` || what === `${method} calls answered`);
  return found === undefined ? [] : [{ x: secrets, y: (found.least + found.most) / 2, low: found.least, high: found.most }];
}
