import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { input } from "./job.ts";

const cut = "\n\n… The rest is in the run's `summary.md`.";

/**
 * What the run says of itself in Markdown, and the comparison with the baseline before it; whole lines of it, as many as there is room for.
 * A run that could not begin has no files, and says so.
 * @param bytesMax - of UTF-8
 */
export function summaryOf(bytesMax: number): string {
  const folder = input("run-folder") ?? "";
  const files = ["comparison.md", "summary.md"].map((name) => join(folder, name)).filter((path) => folder !== "" && existsSync(path));
  if (files.length === 0)
    return `# kmsmark\n\nIt could not run (exit code ${input("exit-code") ?? "unknown"}); the log of the job says why.`;
  const text = files.map((path) => readFileSync(path, "utf8").trimEnd()).join("\n\n");
  if (Buffer.byteLength(text) <= bytesMax) return text;
  let room = bytesMax - Buffer.byteLength(cut);
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) break;
    lines.push(line);
  }
  return `${lines.join("\n")}${cut}`;
}
