import type { KmsVersion } from "../harness/kms/contract.ts";
import type { ProviderFaultKind } from "./provider.ts";

/** One gRPC call that the plugin answered. It holds no plaintext, ciphertext or annotation. */
export interface PluginCall {
  readonly kms: KmsVersion;
  readonly method: "Status" | "Version" | "Encrypt" | "Decrypt";
  /** As the caller sent it, v2 only; empty otherwise. */
  readonly uid: string;
  /** Length of the plaintext or ciphertext that came in and went out; 0 where there is none. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  /** The gRPC status code, 0 for OK. */
  readonly grpcCode: number;
  /** The gRPC status message; empty for OK. */
  readonly message: string;
}

export type ProviderOperation = "currentKey" | "encrypt" | "decrypt";

/** One attempt at the KMS; a retried call makes several. */
export interface ProviderCall {
  readonly operation: ProviderOperation;
  readonly durationMs: number;
  readonly outcome: "ok" | ProviderFaultKind;
}

/** Whoever counts, measures or logs what the plugin does. */
export interface PluginObserver {
  onCall?(call: PluginCall): void;
  onProviderCall?(call: ProviderCall): void;
}
