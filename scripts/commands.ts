import yargs from "yargs";
import { z } from "zod";
import type { Command } from "../harness/command.ts";
import { command as ack } from "../harness/commands/ack.ts";
import { command as bench } from "../harness/commands/bench.ts";
import { type BenchWords, ownOptions, parseBenchWords } from "../harness/commands/bench-options.ts";
import { parseThresholds } from "../harness/commands/bench-thresholds.ts";
import { command as conform } from "../harness/commands/conform.ts";
import { type ConformWords, parseConformWords } from "../harness/commands/conform-options.ts";
import { command as down } from "../harness/commands/down.ts";
import { command as emulate } from "../harness/commands/emulate.ts";
import { command as install } from "../harness/commands/install.ts";
import { command as plan } from "../harness/commands/plan.ts";
import { command as plugin } from "../harness/commands/plugin.ts";
import { command as report } from "../harness/commands/report.ts";
import { command as tap } from "../harness/commands/tap.ts";
import { command as up } from "../harness/commands/up.ts";
import { UsageError } from "../harness/errors.ts";
import { parseFault } from "../harness/kms/fault-syntax.ts";
import { localProvider } from "../harness/plugin-process.ts";
import { allChecks } from "../suites/conformance/index.ts";
import { patternsOf, requireKnown } from "../suites/conformance/select-checks.ts";

/** What can be said of a command without running it. */
export type DocumentedCommand = Omit<Command<unknown>, "run">;

/** Every command by its name; a test compares with the files of harness/commands. */
export const commands: Readonly<Record<string, DocumentedCommand>> = {
  bench,
  conform,
  plan,
  ack,
  install,
  up,
  down,
  plugin,
  tap,
  emulate,
  report,
};

/** One option, or one word without a name. */
export interface CommandOption {
  readonly name: string;
  readonly isPositional: boolean;
  readonly isRequired: boolean;
  readonly describe: string;
  readonly kind: "text" | "number" | "switch";
  readonly isSeveral: boolean;
  readonly choices: readonly string[];
  /** In words; nothing where there is none. */
  readonly preset: string;
}

/** What yargs keeps of the options of a command, as far as it is read here; its types leave it out. */
const keptSchema = z.object({
  key: z.record(z.string(), z.unknown()),
  array: z.array(z.string()),
  boolean: z.array(z.string()),
  number: z.array(z.string()),
  choices: z.record(z.string(), z.array(z.string())),
  default: z.record(z.string(), z.unknown()),
  defaultDescription: z.record(z.string(), z.string().optional()),
  demandedOptions: z.record(z.string(), z.unknown()),
});
const descriptionsSchema = z.record(z.string(), z.string());

/** The options of a command in the order in which it declares them. */
export function optionsOf(name: string, command: DocumentedCommand): readonly CommandOption[] {
  let found: readonly CommandOption[] = [];
  const cli = yargs()
    .exitProcess(false)
    .command(
      command.usage,
      command.summary,
      (given) => {
        const built = command.options(given);
        found = optionsIn(built, command.usage);
        return built;
      },
      () => {},
    );
  // The builder is called on the way to the help, which nobody prints.
  cli.parse([name, "--help"], {}, () => {});
  return found;
}

function optionsIn(built: object, usage: string): CommandOption[] {
  const kept = keptSchema.parse(called(built, "getOptions"));
  const descriptions = descriptionsSchema.parse(
    called(
      z
        .object({})
        .loose()
        .parse(called(called(built, "getInternalMethods"), "getUsageInstance")),
      "getDescriptions",
    ),
  );
  return Object.keys(kept.key)
    .filter((name) => name !== "help" && name !== "version")
    .map((name) => {
      const kind = kept.boolean.includes(name) ? "switch" : kept.number.includes(name) ? "number" : "text";
      return {
        name,
        isPositional: new RegExp(`[<[]${name}(\\.\\.)?[>\\]]`).test(usage),
        isRequired: name in kept.demandedOptions,
        describe: descriptions[name] ?? "",
        kind,
        isSeveral: kept.array.includes(name),
        choices: kept.choices[name] ?? [],
        preset: kept.defaultDescription[name] ?? presetWords(kept.default[name]),
      };
    });
}

function presetWords(preset: unknown): string {
  if (preset === undefined || preset === false || preset === "") return "";
  if (Array.isArray(preset)) return preset.join(" ");
  return typeof preset === "string" || typeof preset === "number" || preset === true ? String(preset) : "";
}

/** Calls a method that the types do not have. */
function called(object: unknown, method: string): unknown {
  const found: unknown = typeof object === "object" && object !== null ? Reflect.get(object, method) : undefined;
  if (typeof found !== "function") throw new TypeError(`yargs has no ${method} any more.`);
  return Reflect.apply(found, object, []);
}

/** What the command line says against these words, or undefined; nothing is run. */
export async function parseWords(words: readonly string[]): Promise<string | undefined> {
  const [name = ""] = words;
  const command = commands[name];
  if (command === undefined) return `There is no command "${name}".`;
  let fault: string | undefined;
  const base = yargs()
    .exitProcess(false)
    .strict()
    .fail((message, thrown) => {
      fault ??= message ?? thrown.message;
    });
  // Three say more of their words than the parser does.
  const cli =
    name === "bench"
      ? base.command(
          bench.usage,
          "",
          (options) => bench.options(options),
          (given) => requireBench(given),
        )
      : name === "conform"
        ? base.command(
            conform.usage,
            "",
            (options) => conform.options(options),
            (given) => requireConform(given),
          )
        : name === "tap"
          ? base.command(
              tap.usage,
              "",
              (options) => tap.options(options),
              ({ fault: faults }) => void faults.map(parseFault),
            )
          : base.command(
              command.usage,
              "",
              (options) => command.options(options),
              () => {},
            );
  try {
    await cli.parse([...words]);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    fault ??= thrown.message;
  }
  const named = words.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=")[0] ?? "");
  const twice = named.find((option, at) => named.indexOf(option) < at && !(command.repeatable ?? []).includes(option));
  return fault ?? (twice === undefined ? undefined : `--${twice} may be given once`);
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
