import { KmsmarkError } from "../errors.ts";

/** The faults whose text is always the same: kube-apiserver's own, where it has one (spec encryption-at-rest 0.4, 1.2, 2.2, 2.3, 3). */
const fixedMessages = {
  "no-matching-prefix": "no matching prefix found",
  "identity-of-encrypted": "identity transformer tried to read encrypted data",
  "edek-prefix": "invalid data encountered by envelope transformer: failed to read uint16 length prefixed data",
  "body-too-short": "the stored data was shorter than the required size",
  "not-authentic": "cipher: message authentication failed",
  // Misleading, but this is what kube-apiserver says of a secretbox that is not authentic.
  "secretbox-not-authentic": "output array was not large enough for encryption",
  "block-size": "the stored data is not a multiple of the block size",
  "padding-absent": "invalid PKCS7 data (empty or not padded)",
  "padding-wrong": "invalid padding on input",
  "protobuf-malformed": "proto: cannot parse invalid wire-format data",
  "utf8-invalid": "string field contains invalid UTF-8",
  "encrypted-data-empty": "encrypted data is empty",
  "edek-empty": "encrypted DEK source is empty",
  "key-id-empty": "keyID is empty",
  "object-unknown": "the plaintext is neither a protobuf nor a JSON object of Kubernetes",
  "not-a-secret": "the plaintext is a Kubernetes object, but not a core/v1 Secret",
} as const;

type FixedCode = keyof typeof fixedMessages;

/** Stable: one code a cause. */
export type EnvelopeErrorCode =
  | FixedCode
  | "edek-too-long"
  | "key-id-too-long"
  | "key-size"
  | "seed-size"
  | "dek-source-type"
  | "annotations"
  | "kms-v1-unreadable";

/** Bytes that are no stored value, cannot be opened, or break a rule of the format. The message is kube-apiserver's own where it has one. */
export class EnvelopeError extends KmsmarkError {
  declare readonly code: EnvelopeErrorCode;

  constructor(code: EnvelopeErrorCode, message: string) {
    super(code, message);
  }

  /** The same fault, with what was being done before its text, as Go wraps errors. */
  within(context: string): EnvelopeError {
    return new EnvelopeError(this.code, `${context}: ${this.message}`);
  }
}

/** The {@link EnvelopeError} of a code whose text is always the same. */
export function fault(code: FixedCode): EnvelopeError {
  return new EnvelopeError(code, fixedMessages[code]);
}
