import { startsWith, utf8 } from "./bytes.ts";
import { fault } from "./envelope-error.ts";
import type { Opened, Sealing } from "./sealing.ts";

/** What every encrypted value begins with; no plaintext of kube-apiserver does (spec encryption-at-rest 0.2, 0.5). */
export const encryptedPrefix = utf8("k8s:enc:");

/** Stores the plaintext as it is. */
export function sealIdentity({ plaintext }: Pick<Sealing, "plaintext">): Uint8Array {
  return plaintext;
}

/** Throws {@link EnvelopeError} `identity-of-encrypted` when the bytes are an encrypted value. */
export function openIdentity(body: Uint8Array): Opened {
  if (startsWith(body, encryptedPrefix)) throw fault("identity-of-encrypted");
  return { plaintext: body };
}
