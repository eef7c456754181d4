import { UsageError } from "../harness/errors.ts";
import type { ProviderChoice } from "./index.ts";
import type { Environment, ProviderOption, ProviderWords } from "./provider-options.ts";
import * as alibaba from "./providers/alibaba.ts";
import * as local from "./providers/local.ts";

export type ProviderName = ProviderChoice["name"];

/** The providers by the name that the command line gives them, each with its options there. */
export const providers = {
  local: local.options,
  alibaba: alibaba.options,
} as const satisfies Readonly<Record<ProviderName, readonly ProviderOption[]>>;

/** The secrets that a provider is given by the environment, by the names of its variables. */
export function secretsOf(name: string, environment: Environment): Map<string, Uint8Array> {
  const variables = name === "alibaba" ? alibaba.secretVariables : [];
  return new Map(
    variables.flatMap((variable): [string, Uint8Array][] => {
      const value = environment[variable] ?? "";
      return value === "" ? [] : [[`the plugin's ${variable}`, Buffer.from(value)]];
    }),
  );
}

/**
 * What to open, from the words of the command line.
 * @throws UsageError for what is missing, what belongs to another provider, and what cannot be used
 */
export function providerChoiceOf(name: ProviderName, words: ProviderWords, environment: Environment): ProviderChoice {
  const own: readonly ProviderOption[] = providers[name];
  const foreign = Object.keys(words).filter((word) => words[word] !== undefined && own.every((option) => option.name !== word));
  if (foreign.length > 0) {
    const given = foreign.map((word) => `--${word}`).join(", ");
    throw new UsageError("foreign-option", `${given} ${foreign.length === 1 ? "is" : "are"} not of the provider ${name}.`, {
      hint: "Say with --provider which one is meant.",
    });
  }
  for (const option of own) {
    if (option.isRequired === true && (words[option.name] ?? "") === "") {
      throw new UsageError(`no-${option.name}`, `The provider ${name} needs --${option.name}.`);
    }
  }
  return name === "local" ? { name, ...local.settingsOf(words) } : { name, ...alibaba.settingsOf(words, environment) };
}
