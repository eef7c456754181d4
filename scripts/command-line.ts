import yargs, { type Argv } from "yargs";
import { command as bench } from "../harness/commands/bench.ts";
import { type BenchWords, ownOptions, parseBenchWords } from "../harness/commands/bench-options.ts";
import { parseThresholds } from "../harness/commands/bench-thresholds.ts";
import { command as conform } from "../harness/commands/conform.ts";
import { type ConformWords, parseConformWords } from "../harness/commands/conform-options.ts";
import { command as tap } from "../harness/commands/tap.ts";
import { UsageError } from "../harness/errors.ts";
import { parseFault } from "../harness/kms/fault-syntax.ts";
import { localProvider } from "../harness/plugin-process.ts";
import { allChecks } from "../suites/conformance/index.ts";
import { patternsOf, requireKnown } from "../suites/conformance/select-checks.ts";
import { loadCommands } from "./generate-command-options.ts";

const commands = await loadCommands();

/** What the command line says against these words, the command first, or undefined; nothing is run. */
export async function commandLineFault(words: readonly string[]): Promise<string | undefined> {
  const [name = ""] = words;
  // yargs's own.
  if (name === "completion") return words.length === 1 ? undefined : "completion takes no words.";
  const command = commands.get(name);
  if (command === undefined) return `There is no command "${name}".`;
  let fault: string | undefined;
  const base = yargs()
    .exitProcess(false)
    // yargs lays out the help of each command that it parses, for nobody.
    .wrap(null)
    .strict()
    .option("config", { type: "string" })
    .fail((message, thrown) => {
      fault ??= message ?? thrown.message;
    });
  try {
    await offered(name, base).parse([...words]);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    fault ??= thrown.message;
  }
  const named = words.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=")[0] ?? "");
  const twice = named.find((option, at) => named.indexOf(option) < at && !(command.repeatable ?? []).includes(option));
  return fault ?? (twice === undefined ? undefined : `--${twice} may be given once.`);
}

/** Three say more of their words than the parser does. */
function offered(name: string, base: Argv): Argv {
  if (name === "bench")
    return base.command(
      bench.usage,
      "",
      (options) => bench.options(options),
      (given) => requireBench(given),
    );
  if (name === "conform")
    return base.command(
      conform.usage,
      "",
      (options) => conform.options(options),
      (given) => requireConform(given),
    );
  if (name === "tap")
    return base.command(
      tap.usage,
      "",
      (options) => tap.options(options),
      ({ fault: faults }) => void faults.map(parseFault),
    );
  const command = commands.get(name);
  return base.command(
    command?.usage ?? name,
    "",
    (options) => void command?.options(options),
    () => {},
  );
}

function requireBench(given: BenchWords & { readonly threshold: readonly string[] }): void {
  const own = ownOptions.flatMap(({ name }): [string, string][] => {
    const word: unknown = Reflect.get(given, name);
    return typeof word === "string" ? [[name, word]] : [];
  });
  const { suites } = parseBenchWords(given, localProvider, Object.fromEntries(own));
  parseThresholds(given.threshold, suites);
}

interface GivenToConform extends ConformWords {
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly list: boolean;
  readonly provider: string;
}

function requireConform(given: GivenToConform): void {
  const { only, skip, list, provider } = given;
  requireKnown(allChecks, [...patternsOf(only), ...patternsOf(skip)]);
  if (!list) parseConformWords(given, { ...localProvider, name: provider });
}
