import yargs from "yargs";
import { z } from "zod";
import type { CommandOption } from "../harness/command-option.ts";
import { escapeMarkdown } from "../reports/escape.ts";
import { type LoadedCommand, loadCommands, optionsOf } from "./generate-command-options.ts";
import { descriptionsOf } from "./generate-config-schema.ts";

/** The page that explains a command, beside the one that lists its options. */
const guides: Readonly<Record<string, readonly string[]>> = {
  bench: ["[the bench](../bench.md)", "[a plugin alone](../bench-plugin.md)", "[how load is offered](../load.md)"],
  conform: ["[conformance](../conform.md)", "[the checks](../checks.md)"],
  plan: ["[planning](../plan.md)"],
  ack: ["[the ACK procedure](../ack.md)"],
  install: ["[installing](../install.md)"],
  up: ["[start](../start.md#a-control-plane-to-look-at)"],
  down: ["[start](../start.md#a-control-plane-to-look-at)"],
  plugin: ["[the bundled plugin](../plugin.md)"],
  tap: ["[the tap](../tap.md)"],
  emulate: ["[local clouds](../emulators.md)"],
  report: ["[reading a report](../report.md)", "[thresholds and comparisons](../compare.md)", "[the run folder](../run-folder.md)"],
};

/** The pages of the commands by their path from the root: one each, and the list of them. */
export async function generateCommandDocs(): Promise<Map<string, string>> {
  const commands = await loadCommands();
  const pages = [...commands].map(([name, command]): [string, string] => [`docs/commands/${name}.md`, page(name, command)]);
  return new Map([...pages, ["docs/commands/README.md", list(commands)]]);
}

function list(commands: ReadonlyMap<string, LoadedCommand>): string {
  const rows = [...commands].map(([name, { summary }]) => `| [\`${name}\`](${name}.md) | ${inMarkdown(sentence(summary))} |`);
  return `${[
    "# The commands",
    [
      "Made by `npm run generate` of the commands in `harness/commands`.",
      "From a checkout `npm run kmsmark -- COMMAND` is `kmsmark COMMAND`, and `npm run bench` is `kmsmark bench`.",
    ].join("\n"),
    ["| command | does |", "| --- | --- |", ...rows].join("\n"),
    "Each also has `--help` with examples, and `--config FILE` for options in a file; `kmsmark completion` prints what completes all of them in a shell.",
    [
      "| exit code | means |",
      "| --- | --- |",
      "| 0 | done, and good |",
      "| 1 | done, and the answer is no: a check, a count, a threshold or a limit does not hold, or something got worse |",
      "| 2 | it could not run; one sentence says why, and mostly what to do |",
      "| 130 | interrupted; everything is cleaned up, and the part that was measured is kept |",
    ].join("\n"),
  ].join("\n\n")}\n`;
}

function page(name: string, command: LoadedCommand): string {
  const options = optionsOf(command);
  const shown = shownOf(command);
  const several = options.filter(({ isPositional, isRepeatable }) => isRepeatable && !isPositional).map((option) => `\`--${option.name}\``);
  const guide = guides[name];
  if (guide === undefined) throw new Error(`scripts/generate-command-docs.ts names no page that explains ${name}.`);
  const rows = (heads: readonly string[], isPositional: boolean): string =>
    [heads, heads.map(() => "---"), ...options.filter((option) => option.isPositional === isPositional).map((option) => row(option, shown))]
      .map((cells) => `| ${cells.join(" | ")} |`)
      .join("\n");
  return `${[
    `# \`kmsmark ${name}\``,
    `${inMarkdown(sentence(command.summary))} More: ${guide.join(", ")}.`,
    `Usage: \`kmsmark ${command.usage}\``,
    "## Examples",
    `\`\`\`sh\n${command.examples.map(({ line, does }) => `# ${does}\n${line}`).join("\n\n")}\n\`\`\``,
    ...(options.some(({ isPositional }) => isPositional) ? ["## Words", rows(["word", "value", "by default", "is"], true)] : []),
    "## Options",
    rows(["option", "value", "by default", "does"], false),
    ...(several.length === 0 ? [] : [`${several.join(", ")} may be given several times.`]),
  ].join("\n\n")}\n`;
}

function row(option: CommandOption, { describe, preset, isRequired }: Shown): string[] {
  const { name, isPositional } = option;
  const standard = preset(name);
  const written = isPositional ? name : option.isFlag && standard === "true" ? `--no-${name}` : `--${name}`;
  return [`\`${written}\``, valueWords(option), isRequired(name) ? "required" : escapeMarkdown(standard), inMarkdown(describe(name))];
}

function valueWords({ choices, isFlag, isNumber }: CommandOption): string {
  if (choices.length > 0) return choices.map((choice) => `\`${choice}\``).join(", ");
  return isFlag ? "" : isNumber ? "number" : "text";
}

/** What a reader sees of an option besides what shells and config files have to know. */
interface Shown {
  describe(name: string): string;
  /** What holds where it is not given, in words; nothing where there is none. */
  preset(name: string): string;
  isRequired(name: string): boolean;
}

/** yargs keeps it; its types leave it out. */
const keptSchema = z.object({
  default: z.record(z.string(), z.unknown()),
  defaultDescription: z.record(z.string(), z.string().optional()),
  demandedOptions: z.record(z.string(), z.unknown()),
});

function shownOf(command: LoadedCommand): Shown {
  const cli = yargs();
  command.options(cli);
  const kept = keptSchema.parse(Reflect.get(cli, "getOptions").call(cli));
  const descriptions = descriptionsOf(command);
  return {
    describe: (name) => descriptions[name] ?? "",
    preset: (name) => kept.defaultDescription[name] ?? presetWords(kept.default[name]),
    isRequired: (name) => name in kept.demandedOptions,
  };
}

function presetWords(preset: unknown): string {
  if (preset === undefined || preset === false) return "";
  return Array.isArray(preset) ? preset.join(" ") : String(preset);
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}

/** The words of a help text, in which only what stands between backticks is marked. */
function inMarkdown(text: string): string {
  return text
    .split("`")
    .map((part, at) => (at % 2 === 0 ? escapeMarkdown(part) : part))
    .join("`");
}
