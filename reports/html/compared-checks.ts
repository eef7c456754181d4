import type { ComparedCheck, Comparison } from "../../harness/run/comparison.ts";
import { checkAreas } from "../../harness/run/schema.ts";
import { type CheckTurn, changedChecks, endWord, turnOf } from "../comparison-words.ts";
import { escapeMarkup } from "../escape.ts";
import { checkAnchor, filter, verdictSigns } from "./check-signs.ts";
import { pair } from "./pair.ts";
import type { Section } from "./section.ts";
import { scrolled } from "./table.ts";

const turnTitles: Readonly<Record<CheckTurn, string>> = {
  worse: "worse",
  better: "better",
  changed: "otherwise",
  same: "same",
  alone: "in one only",
};

/** The checks of both runs side by side, those that ended otherwise first; none where there are none. */
export function comparedCheckSections({ checks }: Pick<Comparison, "checks">): Section[] {
  if (checks.length === 0) return [];
  const changed = changedChecks(checks);
  const choice = filter("Show below", [{ value: "changed", word: "what changed", count: changed.length }], checks.length);
  const areas = checkAreas.flatMap((area): Section[] => {
    const ofArea = checks.filter((check) => check.area === area);
    if (ofArea.length === 0) return [];
    const first = changed.filter((check) => check.area === area);
    const rows = [...first, ...ofArea.filter((check) => !first.includes(check))].map(row).join("\n");
    const heads = ["change", "A", "B"].map((title) => `<th scope="col">${title}</th>`).join("");
    const table = `<table class="checks">\n<thead><tr>${heads}<th scope="col" class="rule">what is true where it passes</th><th scope="col" class="wide">level</th></tr></thead>\n<tbody>\n${rows}\n</tbody></table>`;
    return [{ id: `checks-${area}`, title: area, parts: [scrolled(`Checks of ${area}`, table)] }];
  });
  return [{ id: "checks", title: `Checks: ${changed.length} of ${checks.length} changed`, parts: [choice] }, ...areas];
}

function row(check: ComparedCheck): string {
  const { id, level, title, base, other } = check;
  const turn = turnOf(check);
  const isChanged = turn !== "same" && turn !== "alone";
  const tone = { worse: "fault", better: "pass", changed: "advice", same: "quiet", alone: "quiet" }[turn];
  return [
    `<tr${turn === "worse" ? ' class="open"' : ""} data-filter="${isChanged ? "changed" : "same"}"><td class="verdict ${tone}">${turnTitles[turn]}</td>`,
    `<td>${endCell(base)}</td><td>${endCell(other)}</td>`,
    `<td class="rule"><details${turn === "worse" ? " open" : ""}><summary>${escapeMarkup(title)}</summary>\n`,
    `<p class="quiet" id="${checkAnchor(id)}"><code>${escapeMarkup(id)}</code></p>\n<dl>\n`,
    [pair("A", base?.told ?? endWord(base)), pair("B", other?.told ?? endWord(other))].join("\n"),
    `\n</dl>\n</details></td><td class="wide">${level}</td></tr>`,
  ].join("");
}

function endCell(end: ComparedCheck["base"]): string {
  const sign = end === null ? "" : `<span aria-hidden="true">${verdictSigns[end.verdict]}</span> `;
  return `${sign}${escapeMarkup(endWord(end))}`;
}
