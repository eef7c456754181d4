import { execFile } from "node:child_process";
import { chmod, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { callCli } from "./cli-call.ts";
import { readCommandOptions } from "./command-option.ts";
import { completionsOf, completionWord } from "./completion.ts";
import { benchProviders, checkAreas } from "./run/schema.ts";

/** What is proposed for the end of a line; a blank at its end begins a new word. */
const proposed = (line: string) => completionsOf(`kmsmark ${line}`.split(" "));

describe("a shell is told", () => {
  it.each([
    ["b", ["bench"]],
    ["com", ["completion"]],
    ["--v", ["--version"]],
    ["bench --target ", ["auto", "containers", "processes", "embedded", "attached"]],
    ["bench --target e", ["embedded"]],
    ["bench --target=e", ["--target=embedded"]],
    ["bench --target = e", ["embedded"]],
    ["bench --providers ", benchProviders],
    ["bench --providers identity,aes", ["identity,aescbc", "identity,aesgcm"]],
    ["bench --providers kms-v2,k", ["kms-v2,kms-v1"]],
    ["bench --in-f", ["--in-flight"]],
    ["bench --in-flight 8 --in-f", []],
    ["bench --json --thres", ["--threshold"]],
    ["bench --threshold a --thres", ["--threshold"]],
    ["bench --no-c", ["--no-config"]],
    ["conform ", checkAreas],
    ["conform plugin --only plugin/v1-au", ["plugin/v1-authority"]],
    ["conform --quick plugin p", []],
    ["conform --kms v1 pl", ["plugin"]],
    ["plugin r", ["rotate"]],
  ])("%s", async (line, words) => {
    expect(await proposed(line)).toEqual(words);
  });

  it.each(["bench --socket ", "bench --config ", "report ", "report a --out ", "nosuch ", "nosuch --x"])(
    "nothing of files and of what there is not: %s",
    async (line) => {
      expect((await proposed(line)).filter((word) => !word.startsWith("--"))).toEqual([]);
    },
  );

  it("every command and every option that there is", async () => {
    const commands = await readCommandOptions();
    expect(await proposed("")).toEqual(expect.arrayContaining([...commands.keys()]));
    expect(commands.size).toBeGreaterThan(9);
    for (const [name, options] of commands) {
      const flags = options.filter(({ isPositional }) => !isPositional).map((option) => `--${option.name}`);
      expect(await proposed(`${name} --`)).toEqual(expect.arrayContaining(flags));
    }
  });
});

it("answers by the call that the shell's script makes", async () => {
  expect(await callCli([completionWord, "kmsmark", "bench", "--target", "p"])).toEqual({ code: 0, stdout: "processes\n", stderr: "" });
});

it("completes in bash", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "completion-"));
  const program = join(folder.path, "kmsmark");
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, "cli.ts")}' "$@"\n`);
  await chmod(program, 0o755);
  const script = `
    source <(kmsmark completion)
    complete_line() {
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
      _kmsmark_yargs_completions
      echo "\${COMPREPLY[*]}"
    }
    complete -p kmsmark
    complete_line kmsmark bench --target p
    complete_line kmsmark bench --socket ''
  `;
  const environment = { PATH: `${folder.path}:${process.env["PATH"]}`, SHELL: "/bin/bash" };
  const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-c", script], { env: environment });
  expect(stderr).toBe("");
  expect(stdout).toBe("complete -o bashdefault -o default -F _kmsmark_yargs_completions kmsmark\nprocesses\n\n");
});
