import { randomBytes } from "node:crypto";
import type { KmsVersion } from "../../harness/kms/contract.ts";
import type { BenchProvider } from "../../harness/run/schema.ts";
import type {
  Encryption,
  EncryptionConfiguration,
  LocalKey,
  ProviderConfiguration,
} from "../../harness/target/encryption-configuration.ts";

/** The name of the KMS provider in the configuration, and so in every stored value's prefix. */
export const kmsProviderName = "kmsmark";

/** The name of the KMS provider that is put in front of {@link kmsProviderName} when Secrets are moved from the one to the other. */
export const newKmsProviderName = "kmsmark-new";

export interface BenchConfiguration {
  readonly provider: BenchProvider;
  readonly encryption: EncryptionConfiguration;
  /** What the local providers encrypt with. */
  readonly localKey: LocalKey;
}

export interface ProviderOptions {
  /** Where the API server reaches the KMS; the KMS providers need one. */
  readonly kmsSocket: string | undefined;
  /** How many DEKs KMS v1 keeps; kube-apiserver's default is 1000 (spec encryption-at-rest 1.3). */
  readonly cacheSize: number;
}

/** A configuration that encrypts Secrets with one provider and nothing else; local providers get a fresh key. */
export function configurationFor(provider: BenchProvider, options: ProviderOptions): BenchConfiguration {
  const localKey = { name: "key1", secret: randomBytes(32) };
  return { provider, encryption: configurationWith(localKey, provider, options), localKey };
}

/** The same for several API servers, each of which reaches the KMS by a socket of its own. */
export function configurationForEach(
  provider: BenchProvider,
  { kmsSockets, cacheSize }: { readonly kmsSockets: readonly string[]; readonly cacheSize: number },
): Omit<BenchConfiguration, "encryption"> & { readonly encryption: Encryption } {
  const [kmsSocket, ...others] = kmsSockets;
  const first = configurationFor(provider, { kmsSocket, cacheSize });
  if (others.length === 0) return first;
  const each = kmsSockets.map((socket) => configurationWith(first.localKey, provider, { kmsSocket: socket, cacheSize }));
  return { ...first, encryption: { each } };
}

function configurationWith(localKey: LocalKey, provider: BenchProvider, options: ProviderOptions): EncryptionConfiguration {
  return { resources: [{ resources: ["secrets"], providers: [providerFor(provider, localKey, options)] }] };
}

function providerFor(provider: BenchProvider, localKey: LocalKey, { kmsSocket = "", cacheSize }: ProviderOptions): ProviderConfiguration {
  switch (provider) {
    case "identity":
      return { kind: "identity" };
    case "kms-v1":
      return { kind: "kms", apiVersion: "v1", name: kmsProviderName, socket: kmsSocket, cacheSize };
    case "kms-v2":
      return { kind: "kms", apiVersion: "v2", name: kmsProviderName, socket: kmsSocket };
    default:
      return { kind: provider, keys: [localKey] };
  }
}

/** Which KMS contract a provider speaks, if any. */
export function kmsVersionOf(provider: BenchProvider): KmsVersion | undefined {
  return provider === "kms-v1" ? "v1" : provider === "kms-v2" ? "v2" : undefined;
}
