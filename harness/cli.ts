#!/usr/bin/env node
import { realpathSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Argv } from "yargs";
import yargs from "yargs";
import { systemClock } from "./clock.ts";
import type { Command, CommandContext, CommandLine, ExitCode } from "./command.ts";
import { completionsOf, completionWord } from "./completion.ts";
import { type ConfigWords, configFileNames, readConfigWords, withConfigWords } from "./config-file.ts";
import { Interrupted, KmsmarkError, UsageError } from "./errors.ts";
import type { Display } from "./run/display.ts";
import { cacheFolder } from "./target/install/cache.ts";
import { kmsmarkVersion } from "./version.ts";

const exitCouldNotRun = 2;
const exitInterrupted = 130;

/**
 * Runs what the words ask for and returns the exit code: 0 and 1 are the command's answer, 2 says that it could not run, 130 that it was
 * interrupted. The only place that makes exit codes of errors; what is no {@link KmsmarkError} is a defect and is thrown on.
 */
export async function main(words: readonly string[], context: Omit<CommandContext, "line">): Promise<number> {
  if (words[0] === completionWord) {
    context.stdout.write((await completionsOf(words.slice(1))).map((word) => `${word}\n`).join(""));
    return 0;
  }
  let answer: Promise<ExitCode> | undefined;
  let examples = "";
  let config: ConfigWords | undefined;
  const offer = <Arguments>(cli: Argv, command: Command<Arguments>): Argv =>
    cli.command(
      command.usage,
      command.summary,
      (options) => {
        examples = renderExamples(command);
        return command.options(options);
      },
      (given) => {
        refuseTwice(command, given, words);
        if (config !== undefined && config.options.length > 0 && !isQuiet(given)) context.stderr.write(`${noteOf(config)}\n`);
        // yargs adds each option's name in camel case beside the name it was given; nothing is taken away.
        answer = command.run(given as Arguments, { ...context, line: lineOf(words, config) });
      },
    );

  let cli: Argv = yargs().scriptName("kmsmark").version(kmsmarkVersion()).strict().help().wrap(Math.min(context.columns, 120));
  cli = cli.usage("Measures and checks how a Kubernetes control plane encrypts Secrets at rest with a KMS.");
  cli = cli.demandCommand(1, "Say which command to run.");
  cli = cli.option("config", {
    type: "string",
    describe: `File of options; ${configFileNames.join(", ")} of the working directory by default, none with --no-config`,
  });
  cli = cli.completion("completion", "Prints a script by which bash, zsh or fish completes commands, options and their words.");
  // Only the one that is asked for is loaded: all of them together take a second.
  const commands: Readonly<Record<string, (to: Argv) => Promise<Argv>>> = {
    bench: async (to) => offer(to, (await import("./commands/bench.ts")).command),
    conform: async (to) => offer(to, (await import("./commands/conform.ts")).command),
    plan: async (to) => offer(to, (await import("./commands/plan.ts")).command),
    ack: async (to) => offer(to, (await import("./commands/ack.ts")).command),
    install: async (to) => offer(to, (await import("./commands/install.ts")).command),
    up: async (to) => offer(to, (await import("./commands/up.ts")).command),
    down: async (to) => offer(to, (await import("./commands/down.ts")).command),
    plugin: async (to) => offer(to, (await import("./commands/plugin.ts")).command),
    tap: async (to) => offer(to, (await import("./commands/tap.ts")).command),
    emulate: async (to) => offer(to, (await import("./commands/emulate.ts")).command),
    report: async (to) => offer(to, (await import("./commands/report.ts")).command),
  };
  const [asked = ""] = words;
  const wanted = Object.hasOwn(commands, asked) ? commands[asked] : undefined;
  const loading = wanted === undefined ? Object.values(commands) : [wanted];
  const display = wanted === undefined ? undefined : await displayFor(words, context);
  display?.wait(`kmsmark ${asked}: loading`);
  if (asked !== "completion") for (const load of loading) cli = await load(cli);
  display?.hide();

  try {
    const isAsking = words.some((word) => word === "--help" || word === "--version");
    if (wanted !== undefined && !isAsking) config = await readConfigWords(words, context.folder);
    const help = await parse(cli, withConfigWords(words, config?.words ?? []));
    if (help !== "") context.stdout.write(`${help}\n${help.startsWith("kmsmark ") ? examples : ""}`);
    return (await answer) ?? 0;
  } catch (thrown) {
    return explain(thrown, context);
  }
}

/** What shows on a terminal that something is done while a command is loaded, which takes about a second. */
async function displayFor(
  words: readonly string[],
  { stderr, environment }: Pick<CommandContext, "stderr" | "environment">,
): Promise<Display | undefined> {
  if (stderr.isTTY !== true) return undefined;
  const { Display } = await import("./run/display.ts");
  return Display.on(stderr, { quiet: words.includes("--json"), environment, clock: systemClock });
}

/** What yargs has to print by itself (help, version), or nothing once it has called a command. */
function parse(cli: Argv, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    cli.fail((message, thrown) => {
      // It has to be thrown: after a fail handler that returns, yargs goes on and runs the command.
      throw thrown ?? new UsageError("bad-usage", message.replaceAll(/\s+/g, " "), { hint: "`--help` lists what there is." });
    });
    try {
      cli.parse([...words], {}, (thrown, _given, output) => (thrown ? reject(thrown) : resolve(output)));
    } catch (thrown) {
      reject(thrown);
    }
  });
}

function lineOf(words: readonly string[], config: ConfigWords | undefined): CommandLine {
  if (config === undefined || config.options.length === 0) return { words, notes: [] };
  return { words: withConfigWords(words, config.words), notes: [noteOf(config)] };
}

function noteOf({ file, options }: ConfigWords): string {
  return `Given by ${file}: ${options.join(", ")}.`;
}

function isQuiet(given: object): boolean {
  return "json" in given && given.json === true;
}

/** A command's examples, each on a line of its own so that it can be pasted; yargs would break them to fit two columns. */
function renderExamples({ examples }: Pick<Command<unknown>, "examples">): string {
  return `\nExamples:\n${examples.map(({ line, does }) => `  ${line}\n      ${does}\n`).join("")}`;
}

/** yargs makes a list of an option that is given twice, where the command expects one value. */
function refuseTwice({ repeatable = [] }: { readonly repeatable?: readonly string[] }, given: object, words: readonly string[]): void {
  const twice = Object.entries(given).flatMap(([name, value]) => {
    const isOption = words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`));
    return isOption && Array.isArray(value) && !repeatable.includes(name) ? [`--${name}`] : [];
  });
  if (twice.length > 0) throw new UsageError("given-twice", `Only one value may be given for ${twice.join(", ")}.`);
}

function explain(thrown: unknown, { stderr, signal }: Pick<CommandContext, "stderr" | "signal">): number {
  if (signal.aborted) {
    stderr.write("kmsmark: interrupted.\n");
    return exitInterrupted;
  }
  // Where giving things back failed as well, what counts is what went wrong before; the next start sweeps what is left.
  if (thrown instanceof SuppressedError) return explain(thrown.suppressed, { stderr, signal });
  if (!(thrown instanceof KmsmarkError)) throw thrown;
  stderr.write(`kmsmark: ${thrown.message}\n`);
  if (thrown.hint !== undefined) stderr.write(`  ${thrown.hint}\n`);
  return exitCouldNotRun;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  // Half of what a short command takes is compiling the command's modules. Where the folder cannot be written, they are compiled each time.
  enableCompileCache(join(cacheFolder(process.env), "compiled"));
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      // A second signal does not wait for the clean-up; the next start sweeps what it leaves.
      if (interruption.signal.aborted) process.exit(exitInterrupted);
      interruption.abort(new Interrupted());
    });
  }
  // Whoever reads the output has gone, as `head` does: that ends the command like an interruption, with everything cleaned up.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => interruption.abort(new Interrupted()));
  process.exitCode = await main(process.argv.slice(2), {
    signal: interruption.signal,
    stdout: process.stdout,
    stderr: process.stderr,
    // A terminal whose size nobody set says 0.
    columns: process.stdout.columns || process.stderr.columns || 100,
    environment: process.env,
    folder: process.cwd(),
  });
}
