#!/usr/bin/env node
import { readFileSync } from "node:fs";
import type { Argv } from "yargs";
import yargs from "yargs";
import type { Command, CommandContext } from "./command.ts";
import { Interrupted, KmsmarkError, UsageError } from "./errors.ts";

const exitCouldNotRun = 2;
const exitInterrupted = 130;

/** Parses the words, runs the command they name and returns the exit code. The only place that makes exit codes of errors. */
export async function main(words: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: Promise<number> | undefined;
  const parser = commands.reduce<Argv>(
    (cli, command) => command(cli, (run) => {
      exitCode = run(context);
    }),
    yargs().scriptName("kmsmark").version(packageVersion()).strict().demandCommand(1, "Say which command to run.").help().wrap(110),
  );
  try {
    const help = await new Promise<string>((resolve, reject) => {
      parser.fail((message, thrown) => reject(thrown ?? new UsageError("bad-usage", message, { hint: "Ask for the options with --help." })));
      parser.parse([...words], {}, (thrown, _given, output) => (thrown ? reject(thrown) : resolve(output)));
    });
    if (help !== "") context.stdout.write(`${help}\n`);
    return (await exitCode) ?? 0;
  } catch (thrown) {
    return report(thrown, context);
  }
}

function report(thrown: unknown, { stderr, signal }: CommandContext): number {
  if (thrown instanceof Interrupted || (signal.aborted && thrown === signal.reason)) {
    stderr.write("kmsmark: interrupted.\n");
    return exitInterrupted;
  }
  if (!(thrown instanceof KmsmarkError)) throw thrown;
  stderr.write(`kmsmark: ${thrown.message}\n`);
  if (thrown.hint !== undefined) stderr.write(`  ${thrown.hint}\n`);
  return exitCouldNotRun;
}
