import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import GithubSlugger from "github-slugger";
import { parseHTML } from "linkedom";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { root } from "./steps.ts";

/** A page of the documentation, as far as it can be right or wrong. */
export interface Page {
  /** From the root, `docs/bench.md`. */
  readonly path: string;
  readonly text: string;
  /** Targets of links and pictures, as they are written. */
  readonly links: readonly { readonly href: string; readonly words: string }[];
  /** What a link may name behind a `#`, as GitHub makes it of the headings. */
  readonly anchors: ReadonlySet<string>;
  readonly blocks: readonly { readonly language: string; readonly text: string }[];
  /** Code between backticks. */
  readonly spans: readonly string[];
}

/** Every page that there is: those of the root, and docs/ with all folders. */
export function allPages(): Page[] {
  const inDocs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((name) => join("docs", name));
  return [...readdirSync(root), ...inDocs]
    .filter((name) => name.endsWith(".md"))
    .toSorted()
    .map((path) => readPage(path, readFileSync(join(root, path), "utf8")));
}

/** Reads a page of GitHub's Markdown. */
export function readPage(path: string, text: string): Page {
  const slugger = new GithubSlugger();
  const html = micromark(text, {
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
    allowDangerousHtml: true,
    allowDangerousProtocol: true,
  });
  const { document } = parseHTML(`<html><body>${html}</body></html>`);
  const all = (selector: string) => [...document.querySelectorAll(selector)];
  const textOf = (element: { readonly textContent: string | null }) => element.textContent ?? "";
  return {
    path,
    text,
    links: [
      ...all("a[href]").map((element) => ({ href: element.getAttribute("href") ?? "", words: textOf(element) })),
      ...all("img[src]").map((element) => ({ href: element.getAttribute("src") ?? "", words: element.getAttribute("alt") ?? "" })),
    ],
    anchors: new Set(all("h1, h2, h3, h4, h5, h6").map((element) => slugger.slug(textOf(element)))),
    blocks: all("pre > code").map((element) => ({ language: element.className.replace("language-", ""), text: textOf(element) })),
    spans: all("code")
      .filter((element) => element.closest("pre") === null)
      .map(textOf),
  };
}

/** The commands in a page's blocks of shell lines: `kmsmark …`, `npm run …` and `node scripts/…`. */
export function commandLines(page: Page): string[] {
  return page.blocks
    .filter(({ language }) => ["", "sh", "bash", "console", "shell"].includes(language))
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, " ").split("\n"))
    .map((line) => line.trim().replace(/^\$ /, ""))
    .filter((line) => /^(kmsmark|npm run|node scripts\/)/.test(line));
}

/** The words of one simple command, without their quotes. What a line goes on with behind a pipe, a redirection or a comment is not the command's. */
export function shellWords(line: string): string[] {
  const words = line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  const end = words.findIndex((word) => /^([|;&#]|\d?>)/.test(word));
  return words.slice(0, end < 0 ? words.length : end).map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, "$1$2"));
}
