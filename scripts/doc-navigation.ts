import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { readPage } from "./markdown-page.ts";
import { root } from "./steps.ts";

/** The page from which every other one is reached; the order of its links is the order of the pages. */
export const contentsPage = "docs/README.md";

const begin = "<!-- Made by `npm run generate` of the links in docs/README.md. -->";

/** A page and what the contents call it. */
export interface Stop {
  readonly path: string;
  readonly title: string;
}

/** The pages in the order of the contents, each where it stands last: a table above them may name some before. */
export function stopsOf(contents: string): Stop[] {
  const stops = readPage(contentsPage, contents)
    .links.filter(({ href }) => /^[^:#]+\.md$/.test(href))
    .map(({ href, words }) => ({ path: join(dirname(contentsPage), href), title: words }))
    .filter(({ path }) => path.startsWith("docs/") && path !== contentsPage);
  return stops.filter(({ path }, at) => stops.findLastIndex((stop) => stop.path === path) === at);
}

/** The page with the line at its end that leads to the one before, to the contents, and to the one after. */
export function withNavigation(path: string, text: string, stops: readonly Stop[]): string {
  const body = text.split(`\n${begin}`)[0]?.trimEnd() ?? "";
  const at = stops.findIndex((stop) => stop.path === path);
  if (at < 0) return `${body}\n`;
  const link = ({ path: to, title }: Stop) => `[${title}](${relative(dirname(path), to)})`;
  const [before, after] = [stops[at - 1], stops[at + 1]];
  const parts = [
    ...(before === undefined ? [] : [`← ${link(before)}`]),
    link({ path: contentsPage, title: "Contents" }),
    ...(after === undefined ? [] : [`${link(after)} →`]),
  ];
  return `${body}\n\n${begin}\n\n---\n\n${parts.join(" · ")}\n`;
}

/** The same by the contents as they stand: for whoever writes a whole page of docs/. */
export function navigated(path: string, text: string): string {
  return withNavigation(path, text, stopsOf(readFileSync(join(root, contentsPage), "utf8")));
}
