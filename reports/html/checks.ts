import type { CheckResult, Header } from "../../harness/run/schema.ts";
import { checkTally, isFault } from "../../harness/run/verdict.ts";
import { byArea, verdictWords } from "../checks.ts";
import { escapeMarkup } from "../escape.ts";
import { pair } from "./pair.ts";
import type { Sections } from "./section.ts";
import { scrolled } from "./table.ts";

/** A row a check, its evidence one click away; what did not pass stands first and lies open. */
export const checkSections: Sections = ({ checks, header }) => {
  const heads = [
    { title: "verdict", column: "" },
    { title: "check", column: "wide" },
    { title: "what is true where it passes", column: "rule" },
    { title: "level", column: "wide" },
    { title: "invariants", column: "wide" },
  ].map(({ title, column }) => `<th scope="col" class="${column}">${title}</th>`);
  return byArea(checks).map(([area, ofArea]) => {
    const title = `${area}: ${checkTally(ofArea)}`;
    const rows = ofArea.map((check) => checkRow(check, header)).join("\n");
    const table = `<table class="checks">\n<thead><tr>${heads.join("")}</tr></thead>\n<tbody>\n${rows}\n</tbody></table>`;
    return { id: `checks-${area}`, title, parts: [scrolled(`Checks of ${area}`, table)] };
  });
};

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
