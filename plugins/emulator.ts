/** A local cloud for a provider to talk to, as `kmsmark emulate` starts it. */
export interface Emulator {
  /** One line of `kmsmark emulate --list`. */
  readonly summary: string;
  readonly example: { readonly line: string; readonly does: string };
  /** @throws PluginError or UsageError where it cannot be started as asked. */
  start(options: EmulatorOptions): Promise<RunningEmulator>;
}

export interface EmulatorOptions {
  /** On 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly stateFile: string | undefined;
  readonly region: string | undefined;
  /** How long the audit log takes to show a call, milliseconds. */
  readonly eventDelayMs: number | undefined;
  readonly faults: readonly string[];
  /** Repeats the faults' random choices. */
  readonly seed: string;
  /** Where files with credentials may be put; each is its owner's alone. */
  readonly fileFor: (name: string) => string;
  readonly onDefect: (thrown: unknown) => void;
}

/** A local cloud that can be called; disposing of it stops it. */
export interface RunningEmulator extends AsyncDisposable {
  readonly url: string;
  readonly region: string;
  /** What else there is to know, by names that stay: for `--json`. No secret is among it, only the paths of files that hold them. */
  readonly facts: Readonly<Record<string, string>>;
  /** Options of `kmsmark plugin`, by their names, with which its provider talks to it. */
  readonly pluginWords: Readonly<Record<string, string>>;
  /** How to use it, to be copied. */
  readonly lines: readonly string[];
}
