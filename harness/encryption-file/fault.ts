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

/** One thing for which kube-apiserver does not start. */
export interface ConfigurationFault {
  readonly rule: ConfigurationRule;
  /** In kube-apiserver's words, with the field's path before it where it has one. No key stands in it. */
  readonly message: string;
}

/** A field of the file, as Go's `field.Path` writes it: `resources[0].providers[1].kms`. */
export type FieldPath = string;

export function missing(rule: ConfigurationRule, path: FieldPath, words: string): ConfigurationFault {
  return { rule, message: `${path}: Required value: ${words}` };
}

/** @param value - as JSON; nothing secret. */
export function invalid(rule: ConfigurationRule, path: FieldPath, value: unknown, words: string): ConfigurationFault {
  return { rule, message: `${path}: Invalid value: ${JSON.stringify(value)}: ${words}` };
}
