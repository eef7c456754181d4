import type { EncryptionConfiguration, ProviderConfiguration } from "../target/encryption-configuration.ts";
import { type DecodedFile, type DecodedKeys, type DecodedKms, type DecodedProvider, decodeFile } from "./decode.ts";
import type { ConfigurationFault } from "./fault.ts";
import { parseUrl } from "./go-url.ts";
import { buildFault, validateFile } from "./validate.ts";

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
export function readEncryptionFile(text: string, options: ReadOptions): ReadFile {
  if (text === "") return refused([{ rule: "decodable", step: "load", message: "is empty" }]);
  const decoded = decodeFile(text);
  if ("fault" in decoded) return refused([{ rule: "decodable", step: "decode", message: decoded.fault }]);
  const faults = validateFile(decoded.file, options);
  if (faults.length > 0) return refused(faults);
  const fault = buildFault(decoded.file, options);
  return fault === undefined ? { configuration: configurationOf(decoded.file), faults: [] } : refused([fault]);
}

function refused(faults: readonly ConfigurationFault[]): ReadFile {
  return { configuration: undefined, faults };
}

/** Of a file that was found right. */
function configurationOf({ resources }: DecodedFile): EncryptionConfiguration {
  return { resources: resources.map((item) => ({ resources: item.resources, providers: item.providers.map(providerOf) })) };
}

function providerOf({ kms, aesgcm, aescbc, secretbox }: DecodedProvider): ProviderConfiguration {
  if (kms !== undefined) return kmsOf(kms);
  if (aesgcm !== undefined) return { kind: "aesgcm", keys: keysOf(aesgcm) };
  if (aescbc !== undefined) return { kind: "aescbc", keys: keysOf(aescbc) };
  if (secretbox !== undefined) return { kind: "secretbox", keys: keysOf(secretbox) };
  return { kind: "identity" };
}

function kmsOf({ apiVersion, name, endpoint, timeoutNs, cachesize }: DecodedKms): ProviderConfiguration {
  const timeout = timeoutNs === undefined ? {} : { timeoutMs: Number(timeoutNs) / 1e6 };
  const common = { kind: "kms", name, socket: socketOf(endpoint), ...timeout } as const;
  if (apiVersion === "v2") return { ...common, apiVersion: "v2" };
  return { ...common, apiVersion: "v1", ...(cachesize === undefined ? {} : { cacheSize: cachesize }) };
}

/** `unix:///run/kms.sock` → `/run/kms.sock`; an abstract socket keeps its `@` (k8s.io/kms pkg/util). */
function socketOf(endpoint: string): string {
  const url = parseUrl(endpoint);
  const path = "path" in url ? url.path : "";
  return path.startsWith("/@") ? path.slice(1) : path;
}

function keysOf({ keys = [] }: DecodedKeys) {
  return keys.map(({ name, secret }) => ({ name, secret: Uint8Array.from(Buffer.from(secret, "base64")) }));
}
