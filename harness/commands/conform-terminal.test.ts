import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { CliFolder } from "../cli-process.ts";
import { Screen } from "../run/screen.ts";

const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));

/** Of util-linux: runs a command in a pseudo-terminal. Those of other systems take other options. */
const hasScript = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") ?? false;

it.skipIf(!hasScript)("in a real terminal the live lines come, and Ctrl-C leaves the report, a sentence and a clean line", async () => {
  using folder = new CliFolder({
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    LC_ALL: undefined,
    CI: undefined,
    NO_COLOR: undefined,
    FORCE_COLOR: undefined,
  });
  const command = `stty cols 80 rows 24; exec '${process.execPath}' '${cli}' conform plugin --out run`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd: folder.path,
    env: folder.environment,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const screen = new Screen({ columns: 80, rows: 24 });
  const ended = once(child, "close");
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    const seen = screen.written.includes(" checks, ");
    screen.write(chunk);
    if (!seen && screen.written.includes(" checks, ")) child.stdin.write("\u0003");
  }
  expect((await ended)[0]).toBe(130);
  const lines = await screen.lines();
  expect(lines).toContainEqual(expect.stringMatching(/^Seed \w+; the run goes to run\.$/));
  expect(lines.at(-1)).toBe("kmsmark: interrupted.");
  expect(screen.cursor).toEqual({ line: lines.length, column: 0 });
  // What was live is gone, and so is the echo of Ctrl-C.
  expect(lines.filter((line) => / checks, |giving back|\^C/.test(line))).toEqual([]);
  expect(screen.written).toContain("\u001B[1m\u001B[31m✗ ");
});
