import { isId } from "./key-id.ts";

/**
 * What each contract's plaintexts begin with: the KMS may refuse an empty one, and what was made for one contract must not open under the
 * other, whatever a KMS makes of the context.
 */
export const forms = { v1: 1, v2: 2 } as const;
export type Form = keyof typeof forms;

/** The KMS takes 6 KiB (spec alibaba-cloud 1.2). */
export const plaintextBytesMax = 6 * 1024 - 1;

export function framePlaintext(form: Form, plaintext: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(forms[form]), plaintext]);
}

/** Undefined for what was made for another contract, or by somebody else. */
export function unframePlaintext(form: Form, framed: Uint8Array): Uint8Array | undefined {
  return framed[0] === forms[form] ? framed.subarray(1) : undefined;
}

/** `1 | length of the key's id | key's id | ciphertext of the KMS`: KMS v1 has nothing beside the ciphertext. */
export function frameV1(keyId: string, blob: Uint8Array): Buffer {
  const id = Buffer.from(keyId);
  return Buffer.concat([Buffer.of(forms.v1, id.length), id, blob]);
}

/** Undefined for what {@link frameV1} cannot have made. */
export function unframeV1(ciphertext: Uint8Array): { readonly keyId: string; readonly blob: Uint8Array } | undefined {
  const [form, length = 0] = ciphertext;
  const keyId = Buffer.from(ciphertext.subarray(2, 2 + length)).toString("latin1");
  const blob = ciphertext.subarray(2 + length);
  return form === forms.v1 && keyId.length === length && isId(keyId) && blob.length > 0 ? { keyId, blob } : undefined;
}
