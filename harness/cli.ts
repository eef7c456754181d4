#!/usr/bin/env node
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Argv } from "yargs";
import yargs from "yargs";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { Interrupted, KmsmarkError, UsageError } from "./errors.ts";
import { kmsmarkVersion } from "./version.ts";

const exitCouldNotRun = 2;
const exitInterrupted = 130;

/**
 * Runs what the words ask for and returns the exit code: 0 and 1 are the command's answer, 2 says that it could not run, 130 that it was
 * interrupted. The only place that makes exit codes of errors; what is no {@link KmsmarkError} is a defect and is thrown on.
 */
export async function main(words: readonly string[], context: CommandContext): Promise<number> {
  let answer: Promise<ExitCode> | undefined;
  let examples = "";
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
        // yargs adds each option's name in camel case beside the name it was given; nothing is taken away.
        answer = command.run(given as Arguments, context);
      },
    );

  let cli: Argv = yargs().scriptName("kmsmark").version(kmsmarkVersion()).strict().help().wrap(Math.min(context.columns, 120));
  cli = cli.usage("Measures and checks how a Kubernetes control plane encrypts Secrets at rest with a KMS.");
  cli = cli.demandCommand(1, "Say which command to run.");
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
  const wanted = commands[asked];
  for (const load of wanted === undefined ? Object.values(commands) : [wanted]) cli = await load(cli);

  try {
    const help = await parse(cli, words);
    if (help !== "") context.stdout.write(`${help}\n${help.startsWith("kmsmark ") ? examples : ""}`);
    return (await answer) ?? 0;
  } catch (thrown) {
    return explain(thrown, context);
  }
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
    columns: process.stderr.columns || 100,
    environment: process.env,
  });
}
