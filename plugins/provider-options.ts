export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * One option of a provider on the command line; the commands make their flags of it. None holds a secret: those come by environment or
 * file.
 */
export interface ProviderOption {
  /** `key-id` for `--key-id`. */
  readonly name: string;
  /** What `--help` says, without the provider's name. */
  readonly describe: string;
  readonly type: "string" | "boolean";
  readonly choices?: readonly string[];
  /** The provider cannot be opened without it. */
  readonly isRequired?: boolean;
  /** Whoever starts the plugin as a process of its own gives it a value, so that nobody else need. */
  readonly isStartersOwn?: boolean;
}

/** What was given, by the options' names. */
export type ProviderWords = Readonly<Record<string, string | boolean | undefined>>;

export function textOf(words: ProviderWords, name: string): string | undefined {
  const word = words[name];
  return typeof word === "string" && word !== "" ? word : undefined;
}
