import type { EncryptionConfiguration, ProviderConfiguration } from "../target/encryption-configuration.ts";
import { aggregate, type Failure, failure } from "./failure.ts";

/** The bytes that a provider puts before a value, and by which it knows its own again; empty for identity (spec encryption-at-rest 0.1). */
export function providerPrefix(provider: ProviderConfiguration): string {
  if (provider.kind === "identity") return "";
  return provider.kind === "kms" ? `k8s:enc:kms:${provider.apiVersion}:${provider.name}:` : `k8s:enc:${provider.kind}:v1:`;
}

/** A list of providers, or of one provider's keys, told apart by prefix: the first writes, all that match read (spec encryption-at-rest 0.4). */
export interface PrefixTransformers {
  readonly prefixes: readonly string[];
  /** What a read fails with when no prefix matches. */
  readonly noMatch: string;
}

/** The indices of the transformers that a read tries, in order, until one succeeds. */
export function readOrder(transformers: PrefixTransformers, startsWith: (prefix: string) => boolean): number[] {
  return transformers.prefixes.flatMap((prefix, index) => (startsWith(prefix) ? [index] : []));
}

/** A value that another than the first transformer read is stale, whatever that transformer says of it. */
export function isStale(index: number, innerStale: boolean): boolean {
  return innerStale || index !== 0;
}

/** True if a failure of the transformer is forgotten, as if it had not been tried: identity's is. */
export function isFailureForgotten(prefix: string): boolean {
  return prefix === "";
}

/** What a read fails with after every transformer that matches has. */
export function readFailure(transformers: PrefixTransformers, failures: readonly Failure[]): Failure {
  return aggregate(failures) ?? failure(transformers.noMatch);
}

/** The `transformer_prefix` label of a read; the empty prefix reads as `identity`, and is empty on a write (spec encryption-at-rest 0.4). */
export function readLabel(prefix: string): string {
  return prefix === "" ? "identity" : prefix;
}

/** The `transformer_prefix` label of a read that no transformer matched. */
export const unknownLabel = "unknown";

/** The text of a read that no provider matches. */
export const noMatchingProvider = "no matching prefix found";

/**
 * The providers of a resource (spec encryption-at-rest 0.5): those of the exact name, else of `*.<group>`, else of `*.*`, and of all
 * items that name it, one after the other; undefined where none does, and then values stay as they are.
 *
 * @param resource - `secrets` for the core group, `deployments.apps` for others.
 */
export function providersOf(configuration: EncryptionConfiguration | undefined, resource: string): ProviderConfiguration[] | undefined {
  const dot = resource.indexOf(".");
  const group = dot === -1 ? "" : resource.slice(dot + 1);
  for (const name of [resource, `*.${group}`, "*.*"]) {
    const providers = configuration?.resources.filter(({ resources }) => resources.includes(name)).flatMap((item) => item.providers) ?? [];
    if (providers.length > 0) return providers;
  }
  return undefined;
}
