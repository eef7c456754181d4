import { stringify } from "yaml";

/** A provider of an EncryptionConfiguration (spec encryption-at-rest 4.1); keys are raw bytes here and base64 in the file. */
export type ProviderConfiguration =
  | {
      readonly kind: "kms";
      readonly apiVersion: "v1";
      readonly name: string;
      readonly socket: string;
      readonly timeoutMs?: number;
      readonly cacheSize?: number;
    }
  | { readonly kind: "kms"; readonly apiVersion: "v2"; readonly name: string; readonly socket: string; readonly timeoutMs?: number }
  | { readonly kind: "aescbc" | "aesgcm" | "secretbox"; readonly keys: readonly LocalKey[] }
  | { readonly kind: "identity" };

export interface LocalKey {
  readonly name: string;
  /** 16, 24 or 32 bytes; 32 for secretbox. */
  readonly secret: Uint8Array;
}

/** What kube-apiserver is told with `--encryption-provider-config`: the first provider writes, all of them read. */
export interface EncryptionConfiguration {
  readonly resources: readonly {
    readonly resources: readonly string[];
    readonly providers: readonly ProviderConfiguration[];
  }[];
}

/** A configuration, or the text of a file that may be none. */
export type EncryptionFile = EncryptionConfiguration | { readonly text: string };

/** One configuration for every API server of a control plane, or one for each in their order, such as with a KMS socket of its own. */
export type Encryption = EncryptionFile | { readonly each: readonly EncryptionFile[] };

/** What the API server of this number (from 0) is told. */
export function encryptionOf(encryption: Encryption | undefined, server: number): EncryptionFile | undefined {
  return encryption !== undefined && "each" in encryption ? encryption.each[server] : encryption;
}

/** The providers of a configuration; none of a text, which nobody has read yet. */
export function providersIn(encryption: EncryptionFile | undefined): readonly ProviderConfiguration[] {
  return encryption === undefined || "text" in encryption ? [] : encryption.resources.flatMap(({ providers }) => providers);
}

/** Renders the file that kube-apiserver reads. It holds keys: write it with mode 0600. */
export function renderEncryptionConfiguration(configuration: EncryptionFile): string {
  if ("text" in configuration) return configuration.text;
  return stringify(
    {
      apiVersion: "apiserver.config.k8s.io/v1",
      kind: "EncryptionConfiguration",
      resources: configuration.resources.map(({ resources, providers }) => ({
        resources,
        providers: providers.map(renderProvider),
      })),
    },
    // A name such as `yes` or `0x1` is none in the YAML 1.1 that kube-apiserver reads.
    { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" },
  );
}

function renderProvider(provider: ProviderConfiguration): Record<string, unknown> {
  switch (provider.kind) {
    case "identity":
      return { identity: {} };
    case "kms":
      return {
        kms: {
          apiVersion: provider.apiVersion,
          name: provider.name,
          endpoint: `unix://${provider.socket}`,
          ...(provider.timeoutMs === undefined ? {} : { timeout: `${provider.timeoutMs}ms` }),
          ...(provider.apiVersion === "v1" && provider.cacheSize !== undefined ? { cachesize: provider.cacheSize } : {}),
        },
      };
    default:
      return {
        [provider.kind]: {
          keys: provider.keys.map(({ name, secret }) => ({ name, secret: Buffer.from(secret).toString("base64") })),
        },
      };
  }
}
