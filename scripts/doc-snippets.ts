import { dirname, join, normalize, relative } from "node:path";

const mark = /(<!-- Snippet: (\S+)(?: as (\S+))?(?: from `([^`]+)` to `([^`]+)`)? -->\n\n```\w*\n)(?:[\s\S]*?\n)?```(?=\n|$)/g;

/**
 * The page with every block that stands under `<!-- Snippet: FILE -->` as it is in that file of the project. With `as OTHER` its imports are written
 * as they have to be where a reader puts it; with from and to it begins and ends there (`\n` is a line's end).
 * @throws Error for a file without such a beginning or end
 */
export function withSnippets(text: string, read: (path: string) => string): string {
  return text.replaceAll(mark, (_block, head: string, path: string, as?: string, from?: string, to?: string) => {
    const whole = read(path);
    const code = from === undefined || to === undefined ? whole : part(path, whole, unescaped(from), unescaped(to));
    return `${head}${(as === undefined ? code : moved(code, path, as)).trimEnd()}\n\`\`\``;
  });
}

function part(path: string, whole: string, from: string, to: string): string {
  const begin = whole.indexOf(from);
  const end = whole.indexOf(to, begin + from.length);
  if (begin < 0 || end < 0) throw new Error(`${path} has nothing from "${from}" to "${to}".`);
  const lines = whole.slice(whole.lastIndexOf("\n", begin) + 1, end + to.length).split("\n");
  const indent = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join("\n");
}

function unescaped(text: string): string {
  return text.replaceAll("\\n", "\n");
}

/** Relative imports as they are written from another file. */
function moved(code: string, from: string, to: string): string {
  return code.replaceAll(/from "(\.{1,2}\/[^"]+)"/g, (_, imported: string) => {
    const target = relative(dirname(to), normalize(join(dirname(from), imported)));
    return `from "${target.startsWith(".") ? target : `./${target}`}"`;
  });
}
