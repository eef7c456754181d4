import { escapeMarkup } from "../escape.ts";
import { factsOf } from "../phase-columns.ts";
import { sectionsOf } from "../rounds.ts";
import { kmsPhaseTable, kmsTable, phaseTable, serverTable } from "../tables.ts";
import type { Sections } from "./section.ts";
import { foldedTable, table, titledTable } from "./table.ts";

/** Every figure of each benchmark and number of Secrets. */
export const cellSections: Sections = (result) =>
  sectionsOf(result).map(({ title, rows }, at) => {
    const facts = rows.map((row) => ({ label: row.label, text: factsOf(row) })).filter(({ text }) => text !== "");
    const items = facts.map(({ label, text }) => `<li>${escapeMarkup(`${label}: ${text}`)}</li>`);
    const parts = [
      table(`Phases, ${title}`, phaseTable(rows)),
      items.length === 0 ? "" : `<ul>\n${items.join("\n")}\n</ul>`,
      titledTable("KMS calls at the tap", title, kmsTable(rows)),
      foldedTable("KMS calls at the tap, phase by phase", title, kmsPhaseTable(rows)),
      foldedTable("The API server's own counters", title, serverTable(rows)),
    ];
    return { id: `cells-${at + 1}`, title, parts: parts.filter((part) => part !== "") };
  });
