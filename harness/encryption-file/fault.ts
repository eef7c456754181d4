import { marshal, quote } from "./go-text.ts";

/** The rules that kube-apiserver holds a configuration file to (spec encryption-at-rest 4.1, 4.2, 1.7). */
export const configurationRules = [
  "decodable",
  "nothing-missing",
  "one-provider",
  "kms-name",
  "kms-timeout",
  "kms-endpoint",
  "kms-cachesize",
  "kms-version",
  "local-keys",
  "resource-names",
  "overlap",
  "kms-v1-gate",
] as const;
export type ConfigurationRule = (typeof configurationRules)[number];

/** How far kube-apiserver comes with a file: it tells all that it finds in one step, and takes none after that. */
export type LoadStep = "load" | "decode" | "validate" | "build";

/** One thing for which kube-apiserver does not start. */
export interface ConfigurationFault {
  readonly rule: ConfigurationRule;
  readonly step: LoadStep;
  /** In kube-apiserver's words, with the field's path before it where it has one. No key stands in it. */
  readonly message: string;
}

/**
 * All that kube-apiserver says as it ends because of a file (k8s.io/apiserver pkg/server/options/encryptionconfig/config.go).
 * @param faults - of one file; at least one.
 * @param path - of the file.
 */
export function startError(faults: readonly ConfigurationFault[], path: string): string {
  const step = faults[0]?.step ?? "load";
  const messages = [...new Set(faults.map(({ message }) => message))];
  const words = messages.length === 1 ? messages.join() : `[${messages.join(", ")}]`;
  const file = `encryption provider configuration file ${quote(path)}`;
  switch (step) {
    case "load":
      return `error while parsing file: error while loading file: ${file} ${words}`;
    case "decode":
      return `error while parsing file: error decoding ${file}: ${words}`;
    case "validate":
      return `error while parsing file: ${words}`;
    case "build":
      return `error while building transformers: ${words}`;
  }
}

/** A field of the file, as Go's `field.Path` writes it: `resources[0].providers[1].kms`. */
export type FieldPath = string;

export function missing(rule: ConfigurationRule, path: FieldPath, words: string): ConfigurationFault {
  return { rule, step: "validate", message: `${path}: Required value: ${words}` };
}

/** @param value - nothing secret. */
export function invalid(rule: ConfigurationRule, path: FieldPath, value: unknown, words: string): ConfigurationFault {
  const shown = typeof value === "string" ? quote(value) : marshal(value);
  return { rule, step: "validate", message: `${path}: Invalid value: ${shown}: ${words}` };
}
