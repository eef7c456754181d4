/** A Secret as a client would create it. Its values are synthetic, and still never printed. */
export interface SecretSpec {
  readonly namespace: string;
  readonly name: string;
  /** `Opaque`, `kubernetes.io/tls`, … */
  readonly type: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** The values as they are, without base64. */
  readonly data: ReadonlyMap<string, Uint8Array>;
}

/** What a create or an update sends: everything is encoded beforehand, so that sending costs the client little. */
export interface SecretRequest {
  readonly namespace: string;
  readonly name: string;
  /** The Secret as JSON. */
  readonly body: Uint8Array;
}

/**
 * Encodes a Secret for the API.
 *
 * @param resourceVersion - the version that an update must find, or the API server answers 409; without it the update is unconditional
 */
export function encodeSecret(spec: SecretSpec, resourceVersion?: string): SecretRequest {
  const { namespace, name, type, labels, data } = spec;
  const encoded: Record<string, string> = {};
  for (const [key, value] of data) encoded[key] = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name, namespace, labels, resourceVersion }, type, data: encoded };
  return { namespace, name, body: Buffer.from(JSON.stringify(secret)) };
}
