/**
 * The two gRPC contracts between kube-apiserver and a KMS plugin, as plain objects.
 * Source: spec encryption-at-rest 1.1 (v1beta1) and 2.1 (v2); the protos are k8s.io/kms/apis/{v1beta1,v2}/api.proto.
 */

export const kmsVersions = ["v1", "v2"] as const;
export type KmsVersion = (typeof kmsVersions)[number];

export interface StatusResponse {
  /** `v2`, or `v2beta1` of older plugins. */
  readonly version: string;
  /** `ok`; anything else says that the plugin is not healthy. */
  readonly healthz: string;
  /** Names the KEK that the next Encrypt will use: 1 to 1024 bytes, never used again once it changed. */
  readonly keyId: string;
}

export interface EncryptRequest {
  readonly plaintext: Uint8Array;
  /** A UUIDv4 that names the call in logs. */
  readonly uid: string;
}

export interface EncryptResponse {
  /** 1 to 1024 bytes. */
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  /** Stored beside the ciphertext and given back on Decrypt; the keys are domain names; at most 32 KiB together. */
  readonly annotations: ReadonlyMap<string, Uint8Array>;
}

export interface DecryptRequest {
  readonly ciphertext: Uint8Array;
  readonly uid: string;
  readonly keyId: string;
  readonly annotations: ReadonlyMap<string, Uint8Array>;
}

export interface DecryptResponse {
  readonly plaintext: Uint8Array;
}

export interface CallOptions {
  /** The gRPC deadline of the call; kube-apiserver's default is 3000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A client of `v2.KeyManagementService`. A failing call rejects with a {@link KmsCallError}. */
export interface KmsV2 {
  status(options?: CallOptions): Promise<StatusResponse>;
  encrypt(request: EncryptRequest, options?: CallOptions): Promise<EncryptResponse>;
  decrypt(request: DecryptRequest, options?: CallOptions): Promise<DecryptResponse>;
}

export interface VersionResponse {
  /** Always `v1beta1`. */
  readonly version: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
}

/** A client of `v1beta1.KeyManagementService`. A failing call rejects with a {@link KmsCallError}. */
export interface KmsV1 {
  version(options?: CallOptions): Promise<VersionResponse>;
  encrypt(plain: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  decrypt(cipher: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
}

/** The full gRPC method paths, as they stand in kube-apiserver's metrics too. */
export const methodPaths = {
  v1: {
    Version: "/v1beta1.KeyManagementService/Version",
    Encrypt: "/v1beta1.KeyManagementService/Encrypt",
    Decrypt: "/v1beta1.KeyManagementService/Decrypt",
  },
  v2: {
    Status: "/v2.KeyManagementService/Status",
    Encrypt: "/v2.KeyManagementService/Encrypt",
    Decrypt: "/v2.KeyManagementService/Decrypt",
  },
} as const;

/** kube-apiserver's own deadline for a call when the configuration names none (spec encryption-at-rest 1.1). */
export const defaultCallTimeoutMs = 3000;

/** A gRPC call that ended with a status other than OK. */
export class KmsCallError extends Error {
  /** The gRPC status code, 1 to 16. */
  readonly grpcCode: number;
  /** The status code's name as Go prints it, `DeadlineExceeded` for instance. */
  readonly grpcCodeName: string;

  constructor(grpcCode: number, message: string) {
    const grpcCodeName = grpcCodeNames[grpcCode] ?? `Code(${grpcCode})`;
    super(`rpc error: code = ${grpcCodeName} desc = ${message}`);
    this.name = "KmsCallError";
    this.grpcCode = grpcCode;
    this.grpcCodeName = grpcCodeName;
  }
}

/** Names of the gRPC status codes, by number, as grpc-go prints them (google.golang.org/grpc/codes). */
export const grpcCodeNames: readonly string[] = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];
