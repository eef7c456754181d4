/**
 * A fault that kmsmark foresees: one sentence that says what is wrong, a hint that says what to do, and a code that never changes.
 * Anything else that is thrown is a defect of kmsmark and is shown with its stack.
 */
export abstract class KmsmarkError extends Error {
  /** Stable, kebab-case, unique per cause: scripts may match on it. */
  readonly code: string;
  /** What the reader can do about it, as a sentence; absent where the message already says it. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** The command line or a file it names cannot be used as given. */
export class UsageError extends KmsmarkError {}

/** kube-apiserver, etcd or their images could not be had. */
export class InstallError extends KmsmarkError {}

/** A control plane did not come up, went away, or cannot do what was asked of it. */
export class TargetError extends KmsmarkError {}

/** A KMS plugin cannot be reached, or the bundled one cannot serve. */
export class PluginError extends KmsmarkError {}

/** A run folder cannot be written or read. */
export class RunFolderError extends KmsmarkError {}

/** The user interrupted the command; what was measured until then is kept. */
export class Interrupted extends KmsmarkError {
  constructor() {
    super("interrupted", "Interrupted.");
  }
}

/** The message of anything that was thrown, without its stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a Node.js system error such as ENOENT, or undefined. */
export function systemCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}
