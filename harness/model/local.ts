import type { PrefixTransformers } from "./transformers.ts";

/** The providers that hold their keys themselves. */
export type LocalKind = "aescbc" | "aesgcm" | "secretbox";

/**
 * The second level of a local provider (spec encryption-at-rest 0.4, 3): its keys, told apart by `<key name>:`. The first key writes; what
 * another one reads is stale.
 */
export function keyTransformers(kind: LocalKind, keyNames: readonly string[]): PrefixTransformers {
  const family = kind === "secretbox" ? "Secretbox" : "AES";
  return {
    prefixes: keyNames.map((name) => `${name}:`),
    noMatch: `no matching key was found for the provided ${family} transformer`,
  };
}
