import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Page } from "./markdown-page.ts";
import { root } from "./steps.ts";

/** Links that lead nowhere inside the project, as `PAGE: LINK`. Links to elsewhere are not followed. */
export function linkFaults(pages: readonly Page[]): string[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return pages.flatMap(({ path, links }) =>
    links.flatMap(({ href }) => {
      if (/^[a-z]+:/.test(href)) return [];
      const [file = "", anchor] = href.split("#");
      const target = file === "" ? path : normalize(join(dirname(path), file));
      const isThere = byPath.has(target) || (!target.startsWith("..") && existsSync(join(root, target)));
      const hasAnchor = anchor === undefined || byPath.get(target)?.anchors.has(anchor) === true;
      return isThere && hasAnchor ? [] : [`${path}: ${href}`];
    }),
  );
}

/** The pages that nobody reaches from a page within so many clicks. */
export function unreached(from: string, clicks: number, pages: readonly Page[]): string[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  let reached = new Set([from]);
  for (let click = 0; click < clicks; click++) {
    const next = [...reached].flatMap((path) =>
      (byPath.get(path)?.links ?? []).map(({ href }) => normalize(join(dirname(path), href.split("#")[0] ?? ""))),
    );
    reached = new Set([...reached, ...next]);
  }
  return pages.map(({ path }) => path).filter((path) => !reached.has(path));
}

/** Blocks of a language that are not kept equal to something of the project by a mark above them. */
export function unkeptBlocks(language: string, { path, text }: Page): string[] {
  const blocks = text.matchAll(new RegExp(`(^|\\n)([^\\n]*)\\n\\n\`\`\`${language}\\n`, "g"));
  return [...blocks].filter(([, , above = ""]) => !/^<!-- (Snippet: .*|Patch) -->$/.test(above)).map(([, , above]) => `${path}: ${above}`);
}
