import { type CheckArea, type CheckResult, type CheckVerdict, checkVerdicts, type Header, type Result } from "../../harness/run/schema.ts";
import { checkTally, isFault } from "../../harness/run/verdict.ts";
import { byArea, verdictWords } from "../checks.ts";
import { escapeMarkup } from "../escape.ts";
import { checkAnchor, filter, verdictSigns } from "./check-signs.ts";
import { pair } from "./pair.ts";
import type { Section, Sections } from "./section.ts";
import { scrolled } from "./table.ts";

/** With fewer, the tables themselves are seen at a glance. */
const overviewMin = 12;

/** All checks at a glance, then a row a check, its evidence one click away; what did not pass stands first and lies open. */
export const checkSections: Sections = ({ checks, header }) => {
  const areas = byArea(checks);
  const heads = [
    { title: "verdict", column: "" },
    { title: "check", column: "wide" },
    { title: "what is true where it passes", column: "rule" },
    { title: "level", column: "wide" },
    { title: "invariants", column: "wide" },
  ].map(({ title, column }) => `<th scope="col" class="${column}">${title}</th>`);
  const tables = areas.map(([area, ofArea]): Section => {
    const rows = ofArea.map((check) => checkRow(check, header)).join("\n");
    const table = `<table class="checks">\n<thead><tr>${heads.join("")}</tr></thead>\n<tbody>\n${rows}\n</tbody></table>`;
    return { id: `checks-${area}`, title: area, parts: [tally(ofArea), scrolled(`Checks of ${area}`, table)] };
  });
  return checks.length < overviewMin ? tables : [overview(areas, { checks, header }), ...tables];
};

/** A sign a check, each a link to its evidence; and which of them the tables below show. */
function overview(
  areas: readonly (readonly [CheckArea, readonly CheckResult[]])[],
  { checks, header }: Pick<Result, "checks" | "header">,
): Section {
  const grids = areas.flatMap(byKmsVersion).map(([name, ofName]) => {
    const signs = ofName.map((check) => {
      const { id, verdict, level, title } = check;
      const words = escapeMarkup(`${verdictWords[verdict]}: ${id} (${level})`);
      return `<li><a class="sign ${toneOf(check, header)}" href="#${checkAnchor(id)}" title="${words}. ${escapeMarkup(title)}"><span aria-hidden="true">${verdictSigns[verdict]}</span><span class="away">${words}</span></a></li>`;
    });
    return `<h3>${name}</h3>\n<ul class="signs">${signs.join("")}</ul>`;
  });
  const counted = checkVerdicts
    .map((verdict) => ({ value: verdict, word: verdictWords[verdict], count: checks.filter((check) => check.verdict === verdict).length }))
    .filter(({ count }) => count > 0);
  const key = counted.map(({ value, word }) => `<li><span aria-hidden="true">${verdictSigns[value]}</span> ${word}</li>`);
  const parts = [tally(checks), `<ul class="key">${key.join("")}</ul>`, ...grids, filter("Show below", counted, checks.length)];
  return { id: "checks", title: "All checks", parts };
}

/** What a check of a plugin is named after. */
const versionPattern = /^plugin\/(v[12])-/;

/** The checks of an area apart by the version of KMS that they are of, as far as they are of one. */
function byKmsVersion([area, ofArea]: readonly [CheckArea, readonly CheckResult[]]): [name: string, checks: CheckResult[]][] {
  const groups = Map.groupBy(ofArea, ({ id }) => versionPattern.exec(id)?.[1] ?? "");
  return [...groups].map(([version, checks]) => [version === "" ? area : `${area}, KMS ${version}`, checks]);
}

function tally(checks: readonly CheckResult[]): string {
  return `<p class="quiet">${escapeMarkup(checkTally(checks))}.</p>`;
}

function toneOf(check: CheckResult, header: Header): "fault" | "advice" | "pass" | "quiet" {
  if (isFault(check, header)) return "fault";
  return isOpen(check) ? "advice" : check.verdict === "pass" ? "pass" : "quiet";
}

function isOpen({ verdict }: { readonly verdict: CheckVerdict }): boolean {
  return verdict === "fail" || verdict === "inconclusive";
}

function checkRow(check: CheckResult, header: Header): string {
  const { id, verdict, level, title, invariants } = check;
  const open = isOpen(check);
  return [
    `<tr${open ? ' class="open"' : ""} data-filter="${verdict}"><td class="verdict ${toneOf(check, header)}">${verdictWords[verdict]}</td>`,
    `<td class="wide"><code>${escapeMarkup(id.slice(id.indexOf("/") + 1))}</code></td>`,
    `<td class="rule"><details${open ? " open" : ""}><summary>${escapeMarkup(title)}</summary>\n${checkDetails(check)}\n</details></td>`,
    `<td class="wide">${level}</td><td class="wide">${escapeMarkup(invariants.join(" "))}</td></tr>`,
  ].join("");
}

/** What stands behind a check's verdict. A link to it opens what it is folded in. */
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
  const facts = `<p class="quiet" id="${checkAnchor(id)}"><code>${escapeMarkup(id)}</code> ${escapeMarkup([level, ...invariants].join(" "))}</p>`;
  return `${facts}\n<dl>\n${items.filter((item) => item !== "").join("\n")}\n</dl>`;
}
