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
  const hasCharts = sections.some(({ parts }) => parts.some((part) => typeof part !== "string" && part.charts.length > 0));
  const figure = hasCharts ? (await import("../charts/figure.ts")).figure : () => "";
  const drawn = sections.map(
    ({ id, title: name, parts }) =>
      `<section id="${escapeMarkup(id)}">
<h2 id="${escapeMarkup(id)}-title">${escapeMarkup(name)}</h2>
${parts.map((part) => renderPart(part, figure)).join("\n")}
</section>`,
  );
  const contents = sections.map(({ id, title: name }) => `<li><a href="#${escapeMarkup(id)}">${escapeMarkup(name)}</a></li>`);
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

function renderPart(part: Part, figure: (chart: Charts["charts"][number]) => string): string {
  if (typeof part === "string") return part;
  const { charts, folded } = part;
  if (charts.length === 0) return "";
  const figures = `<div class="charts">\n${charts.map(figure).join("\n")}\n</div>`;
  return folded === null ? figures : `<details><summary>${escapeMarkup(folded)}</summary>\n${figures}\n</details>`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`;
