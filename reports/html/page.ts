import { createHash } from "node:crypto";
import { escapeMarkup } from "../escape.ts";
import { script } from "./script.ts";
import type { Charts, Part, Section } from "./section.ts";
import { style } from "./style.ts";

/** What is on a page. All of it is words, which the page escapes, but for the parts of its sections. */
export interface Page {
  /** Of the browser's window. */
  readonly title: string;
  readonly heading: string;
  /** Above the heading: `kmsmark bench`. */
  readonly kicker: string;
  /** What the figures are of, below the heading. */
  readonly subject: string;
  /** Short facts in a row: when, how it ended. */
  readonly facts: readonly { readonly text: string; readonly tone: "plain" | "good" | "fault" | "model" }[];
  /** Whether the subject is a warning that its figures are no measurement. */
  readonly isModel: boolean;
  readonly sections: readonly Section[];
}

/**
 * One page that needs nothing but itself, with a policy under which no browser fetches anything for it, and runs and styles nothing but
 * what is known here by its hash. What draws charts is loaded only where there is a chart.
 */
export async function renderPage(page: Page): Promise<string> {
  const { title, heading, kicker, subject, facts, isModel, sections } = page;
  const figures = await drawCharts(sections);
  const drawn = sections.map(
    ({ id, title: name, parts }) =>
      `<section id="${escapeMarkup(id)}">
<h2 id="${escapeMarkup(id)}-title">${escapeMarkup(name)}</h2>
${parts.map((part) => renderPart(part, figures)).join("\n")}
</section>`,
  );
  const names = shortNames(sections);
  const contents = sections.map(({ id }, at) => `<li><a href="#${escapeMarkup(id)}">${escapeMarkup(names[at] ?? "")}</a></li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeMarkup(title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the report</a>
<header>
<p class="kicker">${escapeMarkup(kicker)}</p>
<h1>${escapeMarkup(heading)}</h1>
<p class="${isModel ? "subject model" : "subject"}">${escapeMarkup(subject)}</p>
<ul class="facts">${facts.map(({ text, tone }) => `<li class="${tone}">${escapeMarkup(text)}</li>`).join("")}</ul>
</header>
<div class="layout">
<nav aria-label="Contents">
<ul>
${contents.join("\n")}
</ul>
</nav>
<main id="content" tabindex="-1">
${drawn.join("\n")}
</main>
</div>
<script>${script}</script>
</body>
</html>
`;
}

/** What stands before the colon of a heading, where no other section begins with it. */
function shortNames(sections: readonly Section[]): string[] {
  const heads = sections.map(({ title }) => title.split(": ", 1)[0] ?? title);
  return sections.map(({ title }, at) =>
    heads.indexOf(heads[at] ?? "") === heads.lastIndexOf(heads[at] ?? "") ? (heads[at] ?? title) : title,
  );
}

interface Drawn {
  readonly figures: readonly string[];
  /** How many of the charts were left out. */
  readonly omitted: number;
}

/** A page is to be sent and read: charts beyond it are left out, those that are folded away first. In characters, nearly all of one byte. */
const chartCharactersMax = 2_000_000;

async function drawCharts(sections: readonly Section[]): Promise<ReadonlyMap<Part, Drawn>> {
  const parts = sections.flatMap((section) =>
    section.parts.filter((part): part is Charts => typeof part !== "string" && part.charts.length > 0),
  );
  if (parts.length === 0) return new Map();
  const { figure } = await import("../charts/figure.ts");
  let characters = 0;
  return new Map(
    [...parts.filter(({ folded }) => folded === null), ...parts.filter(({ folded }) => folded !== null)].map((part) => {
      const figures: string[] = [];
      for (const chart of part.charts) {
        if (characters >= chartCharactersMax) break;
        const drawn = figure(typeof chart === "function" ? chart() : chart);
        characters += drawn.length;
        figures.push(drawn);
      }
      return [part, { figures, omitted: part.charts.length - figures.length }];
    }),
  );
}

function renderPart(part: Part, drawings: ReadonlyMap<Part, Drawn>): string {
  if (typeof part === "string") return part;
  const { figures, omitted } = drawings.get(part) ?? { figures: [], omitted: 0 };
  const content = [
    ...(figures.length === 0 ? [] : [`<div class="charts">\n${figures.join("\n")}\n</div>`]),
    ...(omitted === 0 ? [] : [`<p class="quiet">${omitted} more charts are not drawn here; result.json has what they would show.</p>`]),
  ].join("\n");
  if (part.folded === null || content === "") return content;
  return `<details><summary>${escapeMarkup(part.folded)}</summary>\n${content}\n</details>`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`;
