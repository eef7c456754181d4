import { readFile, stat } from "node:fs/promises";
import { type ConfigurationFault, lineOfFault, lineOfField, readEncryptionFile } from "../../harness/encryption-file/index.ts";
import { messageOf, UsageError } from "../../harness/errors.ts";
import type { EncryptionConfiguration } from "../../harness/target/encryption-configuration.ts";
import type { SubjectBase } from "./check.ts";

/** The file of an API server's `--encryption-provider-config`. */
export interface ConfigSubject extends SubjectBase {
  /** As it was given. */
  readonly path: string;
  /** Its permission bits. */
  readonly mode: number;
  /** What kube-apiserver says against it; empty where it starts with it. */
  readonly faults: readonly (ConfigurationFault & { readonly line: number | undefined })[];
  /** Undefined where there are faults. */
  readonly configuration: EncryptionConfiguration | undefined;
  /** The line where a field of the file begins, `resources[0].providers[1]`; undefined where it has none. */
  lineOf(path: string): number | undefined;
  /** How many Secrets the cluster has; undefined where nobody said so. */
  readonly secrets: number | undefined;
}

export interface OpenConfigOptions {
  readonly path: string;
  readonly secrets: number | undefined;
}

/**
 * Reads the file as kube-apiserver does. KMS v1 is taken to be allowed: that is a feature gate's to say, which does not stand in the file.
 * @throws UsageError `unreadable-file`
 */
export async function openConfig({ path, secrets }: OpenConfigOptions): Promise<ConfigSubject & Disposable> {
  let text: string;
  let mode: number;
  try {
    text = await readFile(path, "utf8");
    ({ mode } = await stat(path));
  } catch (thrown) {
    throw new UsageError("unreadable-file", `${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  }
  const { configuration, faults } = readEncryptionFile(text, { automaticReload: false, allowsKmsV1: true });
  return {
    ...{ path, mode: mode & 0o777, configuration, secrets },
    faults: faults.map((fault) => ({ ...fault, line: lineOfFault(text, fault.message) })),
    lineOf: (field) => lineOfField(text, field),
    lacks: () => undefined,
    [Symbol.dispose]: () => {},
  };
}
