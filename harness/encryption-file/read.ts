import type { EncryptionConfiguration, ProviderConfiguration } from "../target/encryption-configuration.ts";
import { type DecodedKeys, type DecodedKms, type DecodedProvider, decodeFile } from "./decode.ts";
import type { ConfigurationFault } from "./fault.ts";
import { kmsApiVersionOf, validateFile } from "./validate.ts";

export interface ReadOptions {
  /** `--encryption-provider-config-automatic-reload`. */
  readonly automaticReload: boolean;
  /** The feature gate KMSv1, which is off by default since 1.29. */
  readonly allowsKmsV1: boolean;
}

export type ReadFile =
  | { readonly configuration: EncryptionConfiguration; readonly faults: readonly [] }
  | { readonly configuration: undefined; readonly faults: readonly ConfigurationFault[] };

/** Reads a configuration file, or says all that kube-apiserver would say against it. */
export function readEncryptionFile(text: string, { automaticReload, allowsKmsV1 }: ReadOptions): ReadFile {
  const decoded = decodeFile(text);
  if ("faults" in decoded) return refused(decoded.faults.map((message) => ({ rule: "decodable", message })));
  const { file } = decoded;
  const faults = validateFile(file, { automaticReload });
  if (faults.length > 0) return refused(faults);
  const usesV1 = file.resources.some(({ providers }) => providers.some(({ kms }) => kms !== undefined && kmsApiVersionOf(kms) === "v1"));
  if (usesV1 && !allowsKmsV1) return refused([{ rule: "kms-v1-gate", message: kmsV1Disabled }]);
  const resources = file.resources.map((item) => ({ resources: item.resources, providers: item.providers.map(providerOf) }));
  return { configuration: { resources }, faults: [] };
}

/** spec encryption-at-rest 1.7. */
export const kmsV1Disabled =
  "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  " +
  "Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.";

function refused(faults: readonly ConfigurationFault[]): ReadFile {
  return { configuration: undefined, faults };
}

/** Of a provider that was found right, so that exactly one kind is there. */
function providerOf({ kms, aesgcm, aescbc, secretbox }: DecodedProvider): ProviderConfiguration {
  if (kms !== undefined) return kmsOf(kms);
  if (aesgcm !== undefined) return { kind: "aesgcm", keys: keysOf(aesgcm) };
  if (aescbc !== undefined) return { kind: "aescbc", keys: keysOf(aescbc) };
  if (secretbox !== undefined) return { kind: "secretbox", keys: keysOf(secretbox) };
  return { kind: "identity" };
}

function kmsOf(kms: DecodedKms): ProviderConfiguration {
  const { name = "", endpoint = "", timeout, cachesize } = kms;
  const common = { kind: "kms", name, socket: socketOf(endpoint), ...(timeout === undefined ? {} : { timeoutMs: timeout }) } as const;
  if (kmsApiVersionOf(kms) === "v2") return { ...common, apiVersion: "v2" };
  return { ...common, apiVersion: "v1", ...(cachesize === undefined ? {} : { cacheSize: cachesize }) };
}

/** `unix:///run/kms.sock` → `/run/kms.sock`; an abstract socket keeps its `@` (k8s.io/kms pkg/util). */
function socketOf(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/)?/i, "");
  return path.startsWith("/@") ? path.slice(1) : path;
}

function keysOf({ keys = [] }: DecodedKeys) {
  return keys.map(({ name = "", secret = "" }) => ({ name, secret: Uint8Array.from(Buffer.from(secret, "base64")) }));
}
