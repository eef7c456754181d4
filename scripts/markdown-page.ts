import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import GithubSlugger from "github-slugger";
import { lexer, type Token, walkTokens } from "marked";
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
  const links: { href: string; words: string }[] = [];
  const anchors = new Set<string>();
  const blocks: { language: string; text: string }[] = [];
  const spans: string[] = [];
  walkTokens(lexer(text), (token) => {
    if (token.type === "heading") anchors.add(slugger.slug(wordsOf(token)));
    if (token.type === "link" || token.type === "image") links.push({ href: String(token["href"]), words: wordsOf(token) });
    if (token.type === "code") blocks.push({ language: String(token["lang"] ?? ""), text: String(token["text"]) });
    if (token.type === "codespan") spans.push(String(token["text"]));
    if (token.type === "html") {
      for (const [, href = ""] of token.raw.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)) links.push({ href, words: "" });
    }
  });
  return { path, text, links, anchors, blocks, spans };
}

/** What is read of a heading or a link: its text without marks. */
function wordsOf(token: Token): string {
  const inner: unknown = Reflect.get(token, "tokens");
  if (Array.isArray(inner) && inner.length > 0) return inner.map(wordsOf).join("");
  return String(Reflect.get(token, "text") ?? token.raw);
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
