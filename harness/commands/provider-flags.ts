import type { Argv } from "yargs";
import { type ProviderName, providerChoiceOf, providers } from "../../plugins/provider-choice.ts";
import type { Environment, ProviderOption, ProviderWords } from "../../plugins/provider-options.ts";
import type { BundledProvider } from "../plugin-process.ts";

const names = Object.keys(providers).filter((name): name is ProviderName => name in providers);
const options: readonly { readonly of: ProviderName; readonly option: ProviderOption }[] = names.flatMap((of) =>
  providers[of].map((option) => ({ of, option })),
);

/** `--provider`, and the options of every provider, as each declares them. */
export function withProviderFlags<Arguments>(yargs: Argv<Arguments>): Argv<Arguments & { readonly provider: ProviderName }> {
  return withFlags(yargs, options);
}

/** The same for commands that start the bundled plugin by themselves, without what they give it. */
export function withBundledProviderFlags<Arguments>(yargs: Argv<Arguments>): Argv<Arguments & { readonly provider: ProviderName }> {
  return withFlags(
    yargs,
    options.filter(({ option }) => option.isStartersOwn !== true),
  );
}

function withFlags<Arguments>(yargs: Argv<Arguments>, flags: typeof options): Argv<Arguments & { readonly provider: ProviderName }> {
  const withProvider = yargs.option("provider", {
    choices: names,
    default: "local" as const,
    describe: "The KMS behind the bundled plugin.",
  });
  for (const { of, option } of flags) {
    const { name, type, describe, choices } = option;
    withProvider.option(name, { type, describe: `${describe} [provider ${of}]`, ...(choices === undefined ? {} : { choices }) });
  }
  return withProvider;
}

/** What of the given words belongs to a provider. */
export function providerWordsOf(given: object): ProviderWords {
  const words = Object.entries(given).flatMap(([name, value]): [string, string | boolean][] =>
    options.some(({ option }) => option.name === name) && (typeof value === "string" || typeof value === "boolean") ? [[name, value]] : [],
  );
  return Object.fromEntries(words);
}

/**
 * The provider of a plugin that this command starts as a process of its own. The words are checked here, so that a wrong one ends the
 * command and not the plugin.
 * @throws UsageError
 */
export function bundledProviderOf(given: { readonly provider: ProviderName }, environment: Environment): BundledProvider {
  const { provider: name } = given;
  const words = providerWordsOf(given);
  const startersOwn = Object.fromEntries(
    providers[name].filter((option: ProviderOption) => option.isStartersOwn === true).map((option) => [option.name, "own"]),
  );
  providerChoiceOf(name, { ...words, ...startersOwn }, environment);
  return { name, words: Object.entries(words).map(([word, value]) => `--${word}=${value}`) };
}
