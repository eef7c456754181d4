import { escapeMarkdown } from "../reports/escape.ts";
import { type CommandOption, commands, type DocumentedCommand, optionsOf } from "./commands.ts";

/** The page that explains a command, beside the one that lists its options. */
const guides: Readonly<Record<string, readonly string[]>> = {
  bench: ["[The bench](../bench.md)", "[a plugin alone](../bench-plugin.md)", "[how load is offered](../load.md)"],
  conform: ["[Conformance](../conform.md)", "[the checks](../checks.md)"],
  plan: ["[Planning](../plan.md)"],
  ack: ["[The ACK procedure](../ack.md)"],
  install: ["[Installing](../install.md)"],
  up: ["[Start](../start.md)"],
  down: ["[Start](../start.md)"],
  plugin: ["[The bundled plugin](../plugin.md)"],
  tap: ["[The tap](../tap.md)"],
  emulate: ["[Local clouds](../emulators.md)"],
  report: ["[Reading a report](../report.md)", "[thresholds and comparisons](../compare.md)", "[the run folder](../run-folder.md)"],
};

/** The pages of the commands by their path from the root: one each, and the list of them. */
export function generateCommandDocs(): Map<string, string> {
  const pages = Object.entries(commands).map(([name, command]): [string, string] => [`docs/commands/${name}.md`, page(name, command)]);
  return new Map([...pages, ["docs/commands/README.md", list()]]);
}

function list(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => `| [\`${name}\`](${name}.md) | ${inMarkdown(sentence(summary))} |`);
  return `${[
    "# The commands",
    "Made by `npm run generate` of the commands in `harness/commands`. From a checkout `npm run kmsmark -- COMMAND` is `kmsmark COMMAND`, and `npm run bench` is `kmsmark bench`.",
    ["| command | does |", "| --- | --- |", ...rows].join("\n"),
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

function page(name: string, command: DocumentedCommand): string {
  const options = optionsOf(name, command);
  const positional = options.filter(({ isPositional }) => isPositional);
  const named = options.filter(({ isPositional }) => !isPositional);
  const several = (command.repeatable ?? []).map((option) => `\`--${option}\``);
  const examples = command.examples.map(({ line, does }) => `# ${does}\n${line}`);
  return `${[
    `# \`kmsmark ${name}\``,
    `${inMarkdown(sentence(command.summary))} More: ${(guides[name] ?? []).join(", ")}.`,
    `Usage: \`kmsmark ${command.usage}\``,
    "## Examples",
    `\`\`\`sh\n${examples.join("\n\n")}\n\`\`\``,
    ...(positional.length === 0 ? [] : ["## Words", table(["word", "value", "by default", "is"], positional, ({ name: word }) => word)]),
    "## Options",
    table(["option", "value", "by default", "does"], named, ({ name: option, preset, kind }) =>
      kind === "switch" && preset === "true" ? `--no-${option}` : `--${option}`,
    ),
    ...(several.length === 0 ? [] : [`${several.join(", ")} may be given several times.`]),
  ].join("\n\n")}\n`;
}

function table(heads: readonly string[], options: readonly CommandOption[], nameOf: (option: CommandOption) => string): string {
  const rows = options.map((option) => [
    `\`${nameOf(option)}\``,
    valueWords(option),
    option.isRequired ? "required" : option.preset === "" ? "" : escapeMarkdown(option.preset),
    inMarkdown(option.describe),
  ]);
  return [heads, heads.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function valueWords({ choices, kind }: CommandOption): string {
  if (choices.length > 0) return choices.map((choice) => `\`${choice}\``).join(", ");
  return kind === "switch" ? "" : kind;
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
