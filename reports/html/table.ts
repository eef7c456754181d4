import { escapeMarkup } from "../escape.ts";
import type { Head, Table } from "../tables.ts";

/** A table that can be scrolled where it is wider than the page, also by keyboard; a group is named once, at the head of its rows. */
export function table(name: string, { first, heads, groups }: Table): string {
  const titles = [{ title: first, holds: "words" } satisfies Head, ...heads].map(
    (head) => `<th scope="col"${classOf(head)}>${escapeMarkup(head.title)}</th>`,
  );
  const bodies = groups.map(({ name: title, rows }) => {
    const group = `<th scope="rowgroup" rowspan="${rows.length}">${escapeMarkup(title)}</th>`;
    const lines = rows.map((row, at) => {
      const texts = heads.map((head, column) => `<td${classOf(head)}>${escapeMarkup(row[column] ?? "")}</td>`);
      return `<tr>${at === 0 ? group : ""}${texts.join("")}</tr>`;
    });
    return `<tbody>\n${lines.join("\n")}\n</tbody>`;
  });
  return scrolled(name, `<table>\n<thead><tr>${titles.join("")}</tr></thead>\n${bodies.join("\n")}\n</table>`);
}

/** Nothing where the table has no row; `of` tells it from others of its title. */
export function titledTable(title: string, of: string, content: Table): string {
  return content.groups.length === 0 ? "" : `<h3>${escapeMarkup(title)}</h3>\n${table(`${title}, ${of}`, content)}`;
}

/** The same of a table that is too long to lie open. */
export function foldedTable(title: string, of: string, content: Table): string {
  if (content.groups.length === 0) return "";
  return `<details><summary>${escapeMarkup(title)}</summary>\n${table(`${title}, ${of}`, content)}\n</details>`;
}

/** What is wider than the page scrolls by itself. @param name of the region, in words, for those who do not see it */
export function scrolled(name: string, markup: string): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeMarkup(name)}">${markup}</div>`;
}

function classOf({ title, holds }: Head): string {
  if (holds === "figures") return ' class="number"';
  return title === "trouble" ? ' class="trouble"' : "";
}
