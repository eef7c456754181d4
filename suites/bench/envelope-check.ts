import {
  decodeSecret,
  EnvelopeError,
  type OnceOnlyPart,
  onceOnlyPart,
  parseStoredValue,
  storedLength,
  storedShape,
} from "../../harness/envelope/index.ts";
import { KmsCallError } from "../../harness/kms/contract.ts";
import type { SecretSpec } from "../../harness/load/secret-spec.ts";
import type { EnvelopeCheck } from "../../harness/run/schema.ts";
import type { StoredValue } from "../../harness/target/target.ts";
import { Keyring, type KeyringOptions, type KeySource } from "../conformance/envelope-keyring.ts";
import { isSecretOf, showsPlaintext } from "../conformance/envelope-secret.ts";

/** How the check gets at keys: from the plugin itself, by its own socket, or from the configuration. */
export type EnvelopeSource = KeySource | { readonly provider: "identity" };

/** At most this many faults are kept. */
const wrongMax = 20;
/**
 * Holds every stored Secret against what was written: its form and length, a nonce of its own, and the plaintext that an independent
 * decryption gives, with the etcd key as the authenticated data. The values of an encrypted one must stand nowhere in the stored bytes.
 *
 * @param stored - every value under the API server's prefix for Secrets.
 * @param written - what was written, by etcd key.
 */
export async function checkEnvelopes(
  stored: AsyncIterable<StoredValue>,
  written: ReadonlyMap<string, () => SecretSpec>,
  source: EnvelopeSource,
  options: KeyringOptions,
): Promise<EnvelopeCheck> {
  const opener = new EnvelopeOpener(source, new Keyring(source.provider === "identity" ? [] : [source], options));
  const wrong: { key: string; reason: string }[] = [];
  const missing = new Set(written.keys());
  let right = 0;
  let plaintextBytes = 0;
  let storedBytes = 0;
  for await (const { key, value } of stored) {
    const spec = written.get(key);
    if (spec === undefined) continue;
    missing.delete(key);
    storedBytes += value.length;
    try {
      plaintextBytes += await opener.check(key, value, spec());
      right++;
    } catch (thrown) {
      if (!(thrown instanceof EnvelopeError || thrown instanceof WrongEnvelope || thrown instanceof KmsCallError)) throw thrown;
      wrong.push({ key, reason: thrown.message });
    }
  }
  for (const key of missing) wrong.push({ key, reason: "It is not in the store." });
  return { total: written.size, right, wrong: wrong.slice(0, wrongMax), plaintextBytes, storedBytes };
}

/** What is wrong with a stored value, as a sentence without anything of its content. */
class WrongEnvelope extends Error {}

class EnvelopeOpener {
  readonly #source: EnvelopeSource;
  readonly #keyring: Keyring;
  /** Everything that must not occur twice: nonces, infos, KMS v1's encrypted DEKs. */
  readonly #onceOnly = new Set<string>();

  constructor(source: EnvelopeSource, keyring: Keyring) {
    this.#source = source;
    this.#keyring = keyring;
  }

  /** Resolves to the length of the plaintext, or rejects with why the value is wrong. */
  async check(key: string, value: Uint8Array, spec: SecretSpec): Promise<number> {
    const envelope = parseStoredValue(value);
    const { provider } = this.#source;
    if (envelope.kind !== provider) throw new WrongEnvelope(`It was written by ${envelope.kind}, not by ${provider}.`);
    const unlocked = await this.#keyring.unlock(envelope);
    if (unlocked === undefined) throw new WrongEnvelope("It names another provider or key than the configuration does.");
    const { plaintext, legacy } = unlocked.open(key);
    if (legacy) throw new WrongEnvelope("It is in the form that Kubernetes wrote before 1.25.");
    const secret = decodeSecret(plaintext);
    if (!isSecretOf(secret, spec)) throw new WrongEnvelope("It decrypts to something else than what was written.");
    const length = storedLength(storedShape(envelope), plaintext.length);
    if (value.length !== length) throw new WrongEnvelope(`It is ${value.length} bytes long; its format makes ${length} of this plaintext.`);
    const once = onceOnlyPart(envelope);
    if (once !== undefined) this.#expectOnce(once);
    if (provider !== "identity" && showsPlaintext(value, spec.data.values()))
      throw new WrongEnvelope("A value of the Secret stands in it in plain text.");
    return plaintext.length;
  }

  #expectOnce({ what, bytes }: OnceOnlyPart): void {
    const id = `${what} ${Buffer.from(bytes).toString("base64")}`;
    if (this.#onceOnly.has(id)) throw new WrongEnvelope(`Its ${what} occurs in another value too.`);
    this.#onceOnly.add(id);
  }
}
