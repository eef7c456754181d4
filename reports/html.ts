import { cellName } from "../harness/run/fold.ts";
import type { Cell, Phase, Result } from "../harness/run/schema.ts";
import { verdicts } from "../harness/run/verdict.ts";
import { escapeMarkup } from "./escape.ts";
import { measuredOn } from "./measured-on.ts";
import { phaseColumns, storedSummary, troubles } from "./phase-columns.ts";
import type { Reporter } from "./reporter.ts";
import { formatNs } from "./units.ts";

/** One page that needs nothing but itself: no script, and a policy under which no browser fetches anything for it. */
export const html = {
  id: "html",
  file: "report.html",
  render: (result) => {
    const title = escapeMarkup(`kmsmark ${result.header.command}, ${result.header.startedAt}`);
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
${[model(result), findings(result), ...phaseTables(result), kmsTable(result), serverTable(result), context(result)].filter((part) => part !== "").join("\n")}
</body>
</html>
`;
  },
} satisfies Reporter;

const style = `
:root { color-scheme: light dark; --line: light-dark(#d0d7de, #3d444d); --soft: light-dark(#f6f8fa, #151b23); --fault: light-dark(#b3261e, #ff8a80); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; background: Canvas; color: CanvasText; }
h1 { font-size: 1.4rem; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
thead th { background: var(--soft); }
.number { text-align: right; }
.fault, .model { color: var(--fault); font-weight: 600; }
li, .trouble { overflow-wrap: anywhere; }
`;

function model(result: Result): string {
  const [first = ""] = measuredOn(result);
  return result.header.target.isModel ? `<p class="model">${escapeMarkup(first)}</p>` : `<p>${escapeMarkup(first)}</p>`;
}

function findings(result: Result): string {
  const items = verdicts(result).sentences.map(({ text, isFault }) => `<li${isFault ? ' class="fault"' : ""}>${escapeMarkup(text)}</li>`);
  return `<ul>\n${items.join("\n")}\n</ul>`;
}

function context(result: Result): string {
  const items = measuredOn(result).map((sentence) => `<li>${escapeMarkup(sentence)}</li>`);
  return `<h2>Measured on</h2>\n<ul>\n${items.join("\n")}\n</ul>`;
}

function phaseTables({ cells }: Result): string[] {
  return [...new Set(cells.map(({ secrets }) => secrets))].map((secrets) => {
    const ofSize = cells.filter((cell) => cell.secrets === secrets);
    const stored = ofSize.map((cell) => `<li>${escapeMarkup(`${cell.provider}: ${storedSummary(cell)}`)}</li>`);
    const rows = ofSize.flatMap((cell) =>
      cell.phases.map((phase) => [
        textCell(cell.provider),
        textCell(phase.name),
        ...phaseColumns.map(({ of }) => numberCell(of(phase))),
        `<td class="trouble">${escapeMarkup(troubles(phase))}</td>`,
      ]),
    );
    const heads = [textHead("provider"), textHead("phase"), ...phaseColumns.map(({ title }) => numberHead(title)), textHead("trouble")];
    return `<h2>${secrets} secrets</h2>\n${table(heads, rows)}\n<ul>\n${stored.join("\n")}\n</ul>`;
  });
}

/** Every method that the tap saw, with its own latency. */
function kmsTable({ cells }: Result): string {
  const rows = eachPhase(cells).flatMap(({ cell, phase }) =>
    Object.entries(phase.kms ?? {}).map(([method, { calls, failed, probes, latency }]) => [
      ...[cellName(cell), phase.name, method].map(textCell),
      ...[calls, failed, probes].map((count) => numberCell(String(count))),
      ...[latency?.p50, latency?.p99, latency?.max].map((ns) => numberCell(ns === undefined ? "–" : formatNs(ns))),
    ]),
  );
  if (rows.length === 0) return "";
  const heads = [
    ...["provider", "phase", "method"].map(textHead),
    ...["calls", "failed", "of them probes", "p50", "p99", "max"].map(numberHead),
  ];
  return `<h2>KMS calls as the tap saw them</h2>\n${table(heads, rows)}`;
}

/** What the API server says about itself, folded away because it is long. */
function serverTable({ cells }: Result): string {
  const rows = eachPhase(cells).flatMap(({ cell, phase }) =>
    Object.entries(phase.server).map(([metric, growth]) => [
      ...[cellName(cell), phase.name, metric].map(textCell),
      numberCell(String(growth)),
    ]),
  );
  if (rows.length === 0) return "";
  const heads = [...["provider", "phase", "metric"].map(textHead), numberHead("grew by")];
  return `<h2>The API server's own counters</h2>\n<details><summary>${rows.length} counters</summary>\n${table(heads, rows)}\n</details>`;
}

function eachPhase(cells: readonly Cell[]): { cell: Cell; phase: Phase }[] {
  return cells.flatMap((cell) => cell.phases.map((phase) => ({ cell, phase })));
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const body = rows.map((row) => `<tr>${row.join("")}</tr>`).join("\n");
  return `<div class="scroll"><table>\n<thead><tr>${heads.join("")}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table></div>`;
}

const textHead = (title: string): string => `<th scope="col">${escapeMarkup(title)}</th>`;
const numberHead = (title: string): string => `<th scope="col" class="number">${escapeMarkup(title)}</th>`;
const textCell = (text: string): string => `<td>${escapeMarkup(text)}</td>`;
const numberCell = (text: string): string => `<td class="number">${escapeMarkup(text)}</td>`;
