import { bytesAxis } from "../charts/axes.ts";
import type { BarChart, BarPart, Kind } from "../charts/chart.ts";
import { type CellGroup, cellGroups, isLargest, measuredKind } from "./cell-groups.ts";
import type { Sections } from "./section.ts";

/** What a Secret takes in etcd: its plaintext, and what the provider adds. */
export const byteSections: Sections = (result) => {
  const kind = measuredKind(result);
  const groups = cellGroups(result);
  const charts = groups.filter((group) => isLargest(group, groups)).flatMap((group) => bytesOf(group, kind));
  return charts.length === 0 ? [] : [{ id: "bytes", title: "Bytes in etcd", parts: [{ charts, folded: null }] }];
};

function bytesOf(group: CellGroup, kind: Kind): BarChart[] {
  const bars = group.rows.flatMap(({ provider, envelopes }) => {
    if (envelopes === null || envelopes.total === 0 || envelopes.plaintextBytes === 0) return [];
    const { total, plaintextBytes, storedBytes } = envelopes;
    const parts: BarPart[] = [
      { name: "plaintext", tone: "teal", kind, value: plaintextBytes / total },
      { name: "what encryption adds", tone: "vermilion", kind, value: Math.max(0, storedBytes - plaintextBytes) / total },
    ];
    return [{ name: provider, parts }];
  });
  if (bars.length === 0) return [];
  return [
    {
      shape: "bars",
      id: `bytes-${group.id}`,
      title: `A Secret as it is stored, ${group.title}`,
      caption: null,
      rows: "provider",
      value: bytesAxis,
      valueMax: Math.max(...bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0))),
      bars,
    },
  ];
}
