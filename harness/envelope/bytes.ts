import { fault } from "./envelope-error.ts";

/** The parts in one new, plain Uint8Array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A plain view of the same memory, so that slices of a Buffer are Uint8Arrays too. */
export function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, at) => bytes[at] === byte);
}

const encoder = new TextEncoder();
// A byte order mark is part of the text: dropping it would give another name than the stored one.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws {@link EnvelopeError} `utf8-invalid` on a lone surrogate, which has no UTF-8. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw fault("utf8-invalid");
  return encoder.encode(text);
}

/** Throws {@link EnvelopeError} `utf8-invalid`. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw fault("utf8-invalid");
  }
}
