/** The key and its version, as KMS v2's key_id names them. */
export interface KeyIdParts {
  readonly keyId: string;
  readonly versionId: string;
}

/** A UUID of old, or `key-` with small letters and digits; versions of either form (spec alibaba-cloud 1.2). None has a slash. */
const idPattern = "[A-Za-z0-9][A-Za-z0-9_-]{0,127}";
const pattern = new RegExp(`^(?<keyId>${idPattern})/(?<versionId>${idPattern})$`);
const onePattern = new RegExp(`^${idPattern}$`);

/** `KEY/VERSION`, so that a rotation in the KMS changes it and kube-apiserver sees that (spec alibaba-cloud 0.4). */
export function formatKeyId({ keyId, versionId }: KeyIdParts): string {
  return `${keyId}/${versionId}`;
}

/** Undefined for what {@link formatKeyId} cannot have made. */
export function parseKeyId(text: string): KeyIdParts | undefined {
  const { keyId, versionId } = pattern.exec(text)?.groups ?? {};
  return keyId === undefined || versionId === undefined ? undefined : { keyId, versionId };
}

export function isId(text: string): boolean {
  return onePattern.test(text);
}
