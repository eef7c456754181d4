import { createHash } from "node:crypto";
import { readEncryptionFile, startError } from "../../encryption-file/index.ts";
import { TargetError } from "../../errors.ts";
import { gate } from "../../model/index.ts";
import { type EncryptionConfiguration, type EncryptionFile, renderEncryptionConfiguration } from "../encryption-configuration.ts";

/** What the file of `--encryption-provider-config` holds now. */
export interface LoadedFile {
  readonly configuration: EncryptionConfiguration;
  /** `sha256:` and the SHA-256 of the file's bytes in hex, as since 1.34 (spec encryption-at-rest 4.4). */
  readonly hash: string;
}

export interface LoadOptions {
  readonly automaticReload: boolean;
  readonly featureGates: Readonly<Record<string, boolean>>;
}

/** The file has no path here; a real API server is given one of this name. */
const fileName = "encryption.yaml";

/** Reads the file as kube-apiserver does. @throws TargetError `bad-encryption-configuration` with its words. */
export function loadFile(file: EncryptionFile, { automaticReload, featureGates }: LoadOptions): LoadedFile {
  const text = renderEncryptionConfiguration(file);
  const { configuration, faults } = readEncryptionFile(text, { automaticReload, allowsKmsV1: gate(featureGates, "KMSv1") });
  if (configuration !== undefined) return { configuration, hash: hashOf(file) };
  throw new TargetError("bad-encryption-configuration", startError(faults, fileName));
}

export function hashOf(file: EncryptionFile): string {
  return `sha256:${createHash("sha256").update(renderEncryptionConfiguration(file)).digest("hex")}`;
}
