import type { KmsVersion } from "./contract.ts";

/** One call between an API server and a plugin as the tap saw it. It never holds a plaintext, a ciphertext or an annotation's value. */
export interface TapRecord {
  /** Counts from 0 in the order in which the requests arrived. */
  readonly sequence: number;
  readonly kms: KmsVersion;
  readonly method: "Status" | "Version" | "Encrypt" | "Decrypt";
  /** v2 only; empty otherwise. */
  readonly uid: string;
  /** The key_id of a Decrypt's request, or of a Status' or Encrypt's response; empty where there is none. */
  readonly keyId: string;
  /** Bytes of the gRPC messages, without their 5-byte frames. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** `probe` is KMS v1's health check, which encrypts the word "ping" and decrypts what came back (spec encryption-at-rest 1.5). */
  readonly purpose: "probe" | "work";
  /** When the request was complete at the tap, milliseconds since the tap started. */
  readonly startMs: number;
  /** Until the response was complete at the tap, fault delays included. */
  readonly durationMs: number;
  /** The gRPC status code; 1 (Canceled) when the API server gave up first. */
  readonly grpcCode: number;
  /** The fault that the tap itself played on this call, if any. */
  readonly fault: string | undefined;
}
