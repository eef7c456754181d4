/** Gives that many bytes that nobody can foresee; node:crypto's randomBytes in earnest, a replay of stored bytes in tests. */
export type RandomBytes = (length: number) => Uint8Array;

/** What a scheme needs besides its key in order to write. */
export interface Sealing {
  readonly plaintext: Uint8Array;
  /** The full etcd key in UTF-8, `/registry/secrets/<namespace>/<name>` for instance (spec encryption-at-rest 0.3). */
  readonly aad: Uint8Array;
  readonly random: RandomBytes;
}

export interface Opened {
  readonly plaintext: Uint8Array;
  /** The bytes are of a form that is no longer written, so that kube-apiserver calls them stale (spec encryption-at-rest 1.2). */
  readonly legacy?: true;
}

/** Draws randomness and holds its source to the length asked for: a nonce of another length would seal what nobody can open. */
export function draw(random: RandomBytes, length: number): Uint8Array {
  const bytes = random(length);
  if (bytes.length !== length) throw new RangeError(`Asked for ${length} random bytes, got ${bytes.length}.`);
  return bytes;
}
