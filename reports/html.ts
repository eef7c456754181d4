import type { CheckResult, Header, Result, StepResult } from "../harness/run/schema.ts";
import { checkTally, isFault, isStepFault } from "../harness/run/verdict.ts";
import { type Answer, answersOf } from "./answers.ts";
import { byArea, verdictWords } from "./checks.ts";
import { escapeMarkup } from "./escape.ts";
import { contextTitle, measuredOn } from "./measured-on.ts";
import { factsOf } from "./phase-columns.ts";
import { planTables } from "./plan.ts";
import { planCurves } from "./plan-curves.ts";
import type { Reporter } from "./reporter.ts";
import { sectionsOf } from "./rounds.ts";
import { byPart, eventTable, stepWords } from "./steps.ts";
import { type Head, kmsPhaseTable, kmsTable, phaseTable, serverTable, type Table } from "./tables.ts";
import { formatMs } from "./units.ts";

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
<style>${style}${result.checks.length + result.steps.length > 0 ? checkStyle : ""}${result.plan === null ? "" : planStyle}</style>
</head>
<body>
<h1>${title}</h1>
${[model(result), answers(result), ...checkSections(result), ...stepSections(result), ...sections(result), ...planSections(result), context(result)].join("\n")}
</body>
</html>
`;
  },
} satisfies Reporter;

export const style = `
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #30363d); --heavy: light-dark(#8c959f, #6e7681); --soft: light-dark(#f6f8fa, #151b23); --fault: light-dark(#b3261e, #ff8a80); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; background: Canvas; color: CanvasText; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin-top: 1.5rem; }
ul { padding-left: 1.25rem; }
details { margin-top: 1rem; }
summary { font-weight: 600; cursor: pointer; }
.scroll { overflow-x: auto; margin-top: 0.5rem; }
table { border-collapse: collapse; font-size: 0.875rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.75rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; white-space: nowrap; }
thead th { background: var(--soft); }
tbody { border-top: 2px solid var(--heavy); }
table .number { text-align: right; }
.fault, .model, td.trouble { color: var(--fault); }
.fault, .model { font-weight: 600; }
td.trouble { min-width: 14rem; white-space: normal; }
li { overflow-wrap: anywhere; }
@media (max-width: 40rem) { th, td { padding: 0.2rem 0.4rem; } }
`;

/** On top of the above, for a page that has checks. */
const checkStyle = `:root { --advice: light-dark(#8a5a00, #e3b341); --quiet: light-dark(#57606a, #9198a1); }
.checks { width: 100%; }
.checks td.rule { width: 100%; white-space: normal; overflow-wrap: anywhere; }
.checks details { margin: 0; }
.checks summary { font-weight: 400; }
.checks details > :not(summary) { margin: 0.35rem 0 0.35rem 1rem; }
.checks tr.open { background: var(--soft); }
.verdict { font-weight: 600; }
.verdict.advice { color: var(--advice); }
.verdict.pass, .verdict.quiet { font-weight: 400; }
.quiet { color: var(--quiet); }
dl { display: grid; grid-template-columns: minmax(4.5rem, max-content) 1fr; gap: 0 0.75rem; }
dt { color: var(--quiet); }
dd { margin: 0; }
dt.next:not(:first-child), dt.next:not(:first-child) + dd { margin-top: 0.35rem; }
@media (max-width: 40rem) { .wide { display: none; } }
`;

/** On top of the above, for a plan. */
const planStyle = `.curves { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1rem; }
.curves svg { max-width: 100%; height: auto; }
.curves path { fill: none; stroke: CanvasText; stroke-width: 1.5; stroke-dasharray: 5 3; }
.curves circle { fill: CanvasText; }
.curves .frame { fill: none; stroke: var(--line); }
.curves text { fill: CanvasText; font-size: 11px; }
.plan td { white-space: normal; }
`;

function model(result: Result): string {
  const [first = ""] = measuredOn(result);
  return result.header.target?.isModel === true ? `<p class="model">${escapeMarkup(first)}</p>` : `<p>${escapeMarkup(first)}</p>`;
}

/** What the run answers, in sentences. */
function answers(result: Result): string {
  const items = answersOf(result).map(
    (answer) => `<li${answer.tone === "plain" ? "" : ` class="${answer.tone}"`}>${answerWords(answer)}</li>`,
  );
  return `<ul class="answers">\n${items.join("\n")}\n</ul>`;
}

function answerWords({ text, benchmark }: Answer): string {
  return benchmark === null ? escapeMarkup(text) : `<strong>${escapeMarkup(benchmark)}:</strong> ${escapeMarkup(text)}`;
}

function context(result: Result): string {
  const items = measuredOn(result).map((sentence) => `<li>${escapeMarkup(sentence)}</li>`);
  return `<h2>${contextTitle(result)}</h2>\n<ul>\n${items.join("\n")}\n</ul>`;
}

/** A row a check, its evidence one click away; what did not pass stands first and lies open. */
function checkSections({ checks, header }: Result): string[] {
  const heads = [
    { title: "verdict", column: "" },
    { title: "check", column: "wide" },
    { title: "what is true where it passes", column: "rule" },
    { title: "level", column: "wide" },
    { title: "invariants", column: "wide" },
  ].map(({ title, column }) => `<th scope="col" class="${column}">${title}</th>`);
  return byArea(checks).map(([area, ofArea]) =>
    [
      `<h2>${area}: ${checkTally(ofArea)}</h2>`,
      `<div class="scroll"><table class="checks">\n<thead><tr>${heads.join("")}</tr></thead>\n<tbody>`,
      ...ofArea.map((check) => checkRow(check, header)),
      "</tbody></table></div>",
    ].join("\n"),
  );
}

function checkRow(check: CheckResult, header: Header): string {
  const { id, verdict, level, title, invariants } = check;
  const isOpen = verdict === "fail" || verdict === "inconclusive";
  const tone = isFault(check, header) ? "fault" : isOpen ? "advice" : verdict === "pass" ? "pass" : "quiet";
  return [
    `<tr${isOpen ? ' class="open"' : ""}><td class="verdict ${tone}">${verdictWords[verdict]}</td>`,
    `<td class="wide"><code>${escapeMarkup(id.slice(id.indexOf("/") + 1))}</code></td>`,
    `<td class="rule"><details${isOpen ? " open" : ""}><summary>${escapeMarkup(title)}</summary>\n${checkDetails(check)}\n</details></td>`,
    `<td class="wide">${level}</td><td class="wide">${escapeMarkup(invariants.join(" "))}</td></tr>`,
  ].join("");
}

/** A row a step, what it rests on one click away; then every call that the audit trail shows. */
function stepSections({ steps, kmsEvents }: Result): string[] {
  const heads = [
    { title: "verdict", column: "" },
    { title: "step", column: "rule" },
    { title: "took", column: "wide number" },
  ].map(({ title, column }) => `<th scope="col" class="${column}">${title}</th>`);
  const parts = byPart(steps).map(([part, ofPart]) =>
    [
      `<h2>${escapeMarkup(part)}</h2>`,
      `<div class="scroll"><table class="checks">\n<thead><tr>${heads.join("")}</tr></thead>\n<tbody>`,
      ...ofPart.map(stepRow),
      "</tbody></table></div>",
    ].join("\n"),
  );
  const title = `<h2>KMS calls in the audit trail: ${kmsEvents.length}</h2>`;
  return [...parts, ...(kmsEvents.length === 0 ? [] : [`${title}\n${table(eventTable(kmsEvents))}`])];
}

function stepRow(step: StepResult): string {
  const { id, title, says, verdict, reason, remedy, evidence, durationMs } = step;
  const isOpen = isStepFault(step);
  const tone = isOpen ? "fault" : verdict === "verified" ? "pass" : "quiet";
  const items = [
    pair("the page", says),
    pair("why", reason, "next"),
    ...evidence.map((text, at) => pair(at === 0 ? "seen" : "", text, at === 0 ? "next" : "same")),
    pair("to do", remedy, "next"),
  ].filter((item) => item !== "");
  return [
    `<tr${isOpen ? ' class="open"' : ""}><td class="verdict ${tone}">${stepWords[verdict]}</td>`,
    `<td class="rule"><details${isOpen ? " open" : ""}><summary>${escapeMarkup(title)}</summary>\n`,
    `<p class="quiet"><code>${escapeMarkup(id)}</code></p>\n<dl>\n${items.join("\n")}\n</dl>\n</details></td>`,
    `<td class="wide number">${formatMs(durationMs)}</td></tr>`,
  ].join("");
}

/** What stands behind a check's verdict. */
function checkDetails({ id, level, invariants, verdict, reason, evidence, remedy, source }: CheckResult): string {
  const items = [
    pair("why", reason),
    ...evidence.flatMap(({ sent, received, expected }) => [
      pair("sent", sent, "next"),
      pair("received", received),
      pair("expected", expected),
    ]),
    pair("to do", verdict === "fail" ? remedy : null, "next"),
    pair("source", source, "next"),
  ];
  const facts = `<p class="quiet"><code>${escapeMarkup(id)}</code> ${escapeMarkup([level, ...invariants].join(" "))}</p>`;
  return `${facts}\n<dl>\n${items.filter((item) => item !== "").join("\n")}\n</dl>`;
}

/** Nothing where there is no text; `next` begins a new group of pairs. */
function pair(name: string, text: string | null, group: "next" | "same" = "same"): string {
  return text === null ? "" : `<dt class="${group}">${name}</dt><dd>${escapeMarkup(text)}</dd>`;
}

/** What a plan predicts; a prediction's curves are dashed. */
function planSections({ plan }: Result): string[] {
  if (plan === null) return [];
  const tables = planTables(plan).map(
    ({ title, table: content }) => `<h2>${escapeMarkup(title)}</h2>\n<div class="plan">${table(content)}</div>`,
  );
  const curves = planCurves(plan);
  return curves === "" ? tables : [`<h2>${escapeMarkup(`Over ${plan.sweep?.name ?? ""}: a prediction`)}</h2>\n${curves}`, ...tables];
}

function sections(result: Result): string[] {
  return sectionsOf(result).map(({ title, rows }) => {
    const facts = rows.map((row) => ({ label: row.label, text: factsOf(row) })).filter(({ text }) => text !== "");
    const items = facts.map(({ label, text }) => `<li>${escapeMarkup(`${label}: ${text}`)}</li>`);
    const parts = [
      `<h2>${escapeMarkup(title)}</h2>`,
      table(phaseTable(rows)),
      items.length === 0 ? "" : `<ul>\n${items.join("\n")}\n</ul>`,
      titled("KMS calls at the tap", kmsTable(rows)),
      folded("KMS calls at the tap, phase by phase", kmsPhaseTable(rows)),
      folded("The API server's own counters", serverTable(rows)),
    ];
    return parts.filter((part) => part !== "").join("\n");
  });
}

/** Nothing where the table has no row. */
function titled(title: string, content: Table): string {
  return content.groups.length === 0 ? "" : `<h3>${escapeMarkup(title)}</h3>\n${table(content)}`;
}

/** A table that is too long to lie open. */
function folded(title: string, content: Table): string {
  return content.groups.length === 0 ? "" : `<details><summary>${escapeMarkup(title)}</summary>\n${table(content)}\n</details>`;
}

/** A provider is named once, at the head of its rows. */
function table({ first, heads, groups }: Table): string {
  const titles = [{ title: first, holds: "words" } satisfies Head, ...heads].map(
    (head) => `<th scope="col"${classOf(head)}>${escapeMarkup(head.title)}</th>`,
  );
  const bodies = groups.map(({ name: title, rows }) => {
    const name = `<th scope="rowgroup" rowspan="${rows.length}">${escapeMarkup(title)}</th>`;
    const lines = rows.map((row, at) => {
      const texts = heads.map((head, column) => `<td${classOf(head)}>${escapeMarkup(row[column] ?? "")}</td>`);
      return `<tr>${at === 0 ? name : ""}${texts.join("")}</tr>`;
    });
    return `<tbody>\n${lines.join("\n")}\n</tbody>`;
  });
  return `<div class="scroll"><table>\n<thead><tr>${titles.join("")}</tr></thead>\n${bodies.join("\n")}\n</table></div>`;
}

function classOf({ title, holds }: Head): string {
  if (holds === "figures") return ' class="number"';
  return title === "trouble" ? ' class="trouble"' : "";
}
