import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { callCli } from "./cli-call.ts";
import { command as bench } from "./commands/bench.ts";
import { command as down } from "./commands/down.ts";
import { command as install } from "./commands/install.ts";
import { command as plugin } from "./commands/plugin.ts";
import { command as report } from "./commands/report.ts";
import { command as tap } from "./commands/tap.ts";
import { command as up } from "./commands/up.ts";
import { Interrupted, UsageError } from "./errors.ts";
import { kmsmarkVersion } from "./version.ts";

const commands = [bench, down, install, plugin, report, tap, up].map(({ usage, summary, examples }) => ({
  name: usage.split(" ", 1).join(),
  usage,
  summary,
  examples,
}));

/** Without the breaks and blanks that yargs puts in to fill lines. */
const unwrapped = (text: string) => text.replaceAll(/\s+/g, "");

describe("help", () => {
  it("lists every command with what it does", async () => {
    const { code, stdout, stderr } = await callCli(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toContain("Examples:");
    for (const { usage, summary } of commands) {
      expect(unwrapped(stdout)).toContain(unwrapped(`kmsmark ${usage}`));
      expect(unwrapped(stdout)).toContain(unwrapped(summary));
    }
  });

  it.each(commands)("of $name shows its examples, each on a line that can be pasted", async ({ name, examples }) => {
    const { code, stdout, stderr } = await callCli([name, "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(examples.length).toBeGreaterThan(0);
    const shown = stdout.slice(stdout.indexOf("\nExamples:\n"));
    for (const { line, does } of examples) {
      expect(line).toMatch(new RegExp(`^kmsmark ${name}( |$)`));
      expect(shown).toContain(`\n  ${line}\n      ${does}\n`);
    }
  });

  it("fits a narrow terminal", async () => {
    const { stdout } = await callCli(["--help"], { columns: 60 });
    const widest = Math.max(...stdout.split("\n").map((line) => line.length));
    expect(widest).toBeLessThanOrEqual(60);
  });
});

it.each([[["--version"]], [["bench", "--version"]]])("says its version and nothing else: %j", async (words) => {
  expect(await callCli(words)).toEqual({ code: 0, stdout: `${kmsmarkVersion()}\n`, stderr: "" });
});

describe("words that mean nothing are told in one sentence, and nothing is run", () => {
  it.each([
    [[], "Say which command to run."],
    [["nosuch"], "Unknown argument: nosuch"],
    [["report"], "Not enough non-option arguments: got 0, need at least 1"],
    [["down", "--nonsense"], "Unknown argument: nonsense"],
    [
      ["bench", "--target", "moon"],
      'Invalid values: Argument: target, Given: "moon", Choices: "auto", "containers", "processes", "embedded", "attached"',
    ],
  ])("%j", async (words, sentence) => {
    expect(await callCli(words)).toEqual({ code: 2, stdout: "", stderr: `kmsmark: ${sentence}\n  \`--help\` lists what there is.\n` });
  });

  it.each([
    [["bench", "--secrets", "1", "--secrets=2"], "Only one value may be given for --secrets."],
    [["bench", "--rate", "1", "--rate", "2", "--out", "a", "--out", "b"], "Only one value may be given for --rate, --out."],
  ])("%j", async (words, sentence) => {
    expect(await callCli(words)).toEqual({ code: 2, stdout: "", stderr: `kmsmark: ${sentence}\n` });
  });

  it("an option that may be given several times is read to the last", async () => {
    const { code, stderr } = await callCli(["tap", "--listen", "a", "--plugin", "b", "--fault", "Encrypt:hang", "--fault", "nonsense"]);
    expect(code).toBe(2);
    expect(stderr).toContain("nonsense");
  });
});

it("says that it was interrupted, and exits with 130, whatever that broke", async () => {
  const signal = AbortSignal.abort(new Interrupted());
  expect(await callCli(["report", "nowhere"], { signal })).toEqual({ code: 130, stdout: "", stderr: "kmsmark: interrupted.\n" });
});

/** Makes a command fail in the middle. */
function brokenBy(thrown: unknown): Writable {
  const stdout = new Writable();
  stdout.write = () => {
    throw thrown;
  };
  return stdout;
}

it("tells what went wrong first where the clean-up failed as well", async () => {
  const first = new UsageError("first", "The first fault.", { hint: "Mend it." });
  const stdout = brokenBy(new SuppressedError(new Error("the clean-up"), first));
  expect(await callCli(["bench", "--list"], { stdout })).toMatchObject({ code: 2, stderr: "kmsmark: The first fault.\n  Mend it.\n" });
});

it("lets a defect through with its stack", async () => {
  const defect = new TypeError("a defect");
  await expect(callCli(["bench", "--list"], { stdout: brokenBy(defect) })).rejects.toBe(defect);
});
