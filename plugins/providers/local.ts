import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomFillSync } from "node:crypto";
import { type Clock, systemClock } from "../../harness/clock.ts";
import { messageOf } from "../../harness/errors.ts";
import { type KeyFile, type KeyFileEntry, keyFileMark, readKeyFile, readOrCreateKeyFile } from "../local-key-file.ts";
import { type Answer, type KeyVersion, type PromptProvider, ProviderFault, type ProviderFaultKind, type Wrapped } from "../provider.ts";
import { type ProviderOption, type ProviderWords, textOf } from "../provider-options.ts";

export const options = [
  { name: "key-file", type: "string", isRequired: true, isStartersOwn: true, describe: "Key file; created at the first start." },
] as const satisfies readonly ProviderOption[];

export interface LocalSettings {
  /** Path of the key file; it is created at the first start. */
  readonly keyFile: string;
}

export function settingsOf(words: ProviderWords): LocalSettings {
  return { keyFile: textOf(words, "key-file") ?? "" };
}

export interface LocalSurroundings {
  /** Told in sentences, without secrets, of a key file that was read again or could not be. */
  readonly log: { info(message: string): void; warn(message: string): void };
  readonly clock?: Clock;
}

const cipher = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;
const idBytes = 16;
const nothing = Buffer.alloc(0);

/** KMS v1 ciphertexts start with it, so that another form can be told from this one. */
const v1Form = 1;

/**
 * Says how the ciphertext was made. Its key is a domain name under one that nobody can own (RFC 6762), so that it collides with no
 * other's.
 */
const formAnnotation = "form.kmsmark.local";
const form = Buffer.from("1");
const annotations: ReadonlyMap<string, Uint8Array> = new Map([[formAnnotation, form]]);

/** One key version, ready for use. The three keys and the key_id are derived from the secret of the file, so none serves two purposes. */
interface LocalKey {
  readonly keyId: string;
  readonly keyV1: KeyObject;
  readonly keyV2: KeyObject;
  /** What is authenticated with every v1 ciphertext, and stands before it: form and id. */
  readonly headerV1: Buffer;
  /** What is authenticated with every v2 ciphertext that this version makes. */
  readonly authenticatedV2: Buffer;
}

interface KeyRing {
  readonly current: LocalKey;
  readonly byKeyId: ReadonlyMap<string, LocalKey>;
  readonly byId: ReadonlyMap<string, LocalKey>;
}

/**
 * AES-256-GCM under keys in a file of mode 0600: a KMS for tests and benchmarks, as safe as that file.
 *
 * KMS v2: `nonce(12) | ciphertext | tag(16)`; key_id and annotations are authenticated with it. KMS v1: `form(1) | key version(16) |
 * nonce(12) | ciphertext | tag(16)`; what stands before the nonce is authenticated. The two use different keys.
 * @throws PluginError where the key file cannot be used.
 */
export async function openLocalProvider(
  { keyFile }: LocalSettings,
  { log, clock = systemClock }: LocalSurroundings,
): Promise<PromptProvider> {
  const provider = new LocalProvider(keyFile, log);
  await provider.open(clock);
  return provider;
}

class LocalProvider implements PromptProvider {
  readonly name = "local";
  readonly keyVersionFreshMs = 0;
  readonly #path: string;
  readonly #log: LocalSurroundings["log"];
  #ring: KeyRing | undefined;
  /** The state of the file that was last looked at, also if it was bad: each state is read and complained of once. */
  #mark = "";

  constructor(path: string, log: LocalSurroundings["log"]) {
    this.#path = path;
    this.#log = log;
  }

  async open(clock: Clock): Promise<void> {
    this.#take(await readOrCreateKeyFile(this.#path, clock));
  }

  /** Looks whether the file has changed, so that a rotation needs neither a signal nor a restart. */
  async currentKey(): Promise<KeyVersion> {
    if ((await this.#fileMark()) !== this.#mark) await this.reload();
    return { keyId: this.#keys.current.keyId };
  }

  async reload(): Promise<void> {
    const { current } = this.#keys;
    try {
      this.#mark = await this.#fileMark();
      this.#take(await readKeyFile(this.#path));
    } catch (thrown) {
      this.#log.warn(`The keys in memory stay in use. ${messageOf(thrown)}`);
      return;
    }
    if (this.#keys.current.keyId !== current.keyId) this.#log.info("The key was rotated: another key version encrypts from now on.");
  }

  encrypt(plaintext: Uint8Array): Wrapped {
    const { keyId, keyV2, authenticatedV2 } = this.#keys.current;
    return { ciphertext: seal(keyV2, plaintext, authenticatedV2, nothing), keyId, annotations };
  }

  decrypt({ ciphertext, keyId, annotations: given }: Wrapped): Answer<Uint8Array> {
    const key = this.#keys.byKeyId.get(keyId);
    if (key === undefined) return refuse("key-unusable", "The key file has no key version with this key_id.");
    const authenticated = areOwnAnnotations(given) ? key.authenticatedV2 : authenticatedBytes(keyId, given);
    return unseal(key.keyV2, ciphertext, authenticated) ?? notOurs();
  }

  encryptV1(plaintext: Uint8Array): Uint8Array {
    const { headerV1, keyV1 } = this.#keys.current;
    return seal(keyV1, plaintext, headerV1, headerV1);
  }

  decryptV1(ciphertext: Uint8Array): Answer<Uint8Array> {
    const header = Buffer.from(ciphertext.subarray(0, 1 + idBytes));
    if (header.length < 1 + idBytes || header[0] !== v1Form) return notOurs();
    const key = this.#keys.byId.get(header.toString("hex", 1));
    if (key === undefined) return refuse("key-unusable", "The key file has no key version like the one that this ciphertext names.");
    return unseal(key.keyV1, ciphertext.subarray(header.length), key.headerV1) ?? notOurs();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ring = undefined;
  }

  /** A file that is away has a mark too, so that it is complained of once. */
  #fileMark(): Promise<string> {
    return keyFileMark(this.#path).catch(messageOf);
  }

  get #keys(): KeyRing {
    if (this.#ring === undefined) throw new ProviderFault("unavailable", "The plugin is stopping.");
    return this.#ring;
  }

  #take({ keys, mark }: KeyFile): void {
    this.#ring = keyRingOf(keys);
    this.#mark = mark;
  }
}

function keyRingOf(entries: readonly KeyFileEntry[]): KeyRing {
  const keys = entries.map(importKey);
  const current = keys.at(-1);
  if (current === undefined) throw new RangeError("A key file has at least one key.");
  return {
    current,
    byKeyId: new Map(keys.map((key) => [key.keyId, key])),
    byId: new Map(keys.map((key) => [key.headerV1.toString("hex", 1), key])),
  };
}

/** HKDF-SHA256 (RFC 5869) with the version's id as salt: the key_id changes with the secret, and tells nothing about it. */
function importKey({ id, secret }: KeyFileEntry): LocalKey {
  const salt = Buffer.from(id.replaceAll("-", ""), "hex");
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", Buffer.from(secret, "base64"), salt, `kmsmark local ${purpose}`, 32));
  const keyId = derive("key_id").toString("hex");
  return {
    keyId,
    keyV1: createSecretKey(derive("v1")),
    keyV2: createSecretKey(derive("v2")),
    headerV1: Buffer.concat([Buffer.of(v1Form), salt]),
    authenticatedV2: authenticatedBytes(keyId, annotations),
  };
}

/** Unambiguous bytes of key_id and annotations: each part after its length, the annotations by key. */
function authenticatedBytes(keyId: string, given: Wrapped["annotations"]): Buffer {
  const sorted = [...given].sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat(
    [keyId, ...sorted.flat()].flatMap((part) => {
      const bytes = typeof part === "string" ? Buffer.from(part) : part;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** Whether they are what {@link annotations} says, so that what is authenticated with them is known. */
function areOwnAnnotations(given: Wrapped["annotations"]): boolean {
  const value = given.get(formAnnotation);
  return given.size === 1 && value?.length === 1 && value[0] === form[0];
}

/** A nonce is used once and is no secret; drawing many at a time costs a fraction. */
const nonces = { bytes: Buffer.alloc(256 * nonceBytes), at: 256 * nonceBytes };

/** Copies a fresh random nonce into `target`. */
function drawNonce(target: Buffer, at: number): void {
  if (nonces.at === nonces.bytes.length) {
    randomFillSync(nonces.bytes);
    nonces.at = 0;
  }
  nonces.bytes.copy(target, at, nonces.at, nonces.at + nonceBytes);
  nonces.at += nonceBytes;
}

/** `header | nonce | ciphertext | tag`. */
function seal(key: KeyObject, plaintext: Uint8Array, authenticated: Buffer, header: Buffer): Buffer {
  const sealed = Buffer.allocUnsafe(header.length + nonceBytes + plaintext.length + tagBytes);
  sealed.set(header);
  drawNonce(sealed, header.length);
  const textAt = header.length + nonceBytes;
  const sealing = createCipheriv(cipher, key, sealed.subarray(header.length, textAt), { authTagLength: tagBytes });
  sealing.setAAD(authenticated);
  sealed.set(sealing.update(plaintext), textAt);
  // Of a stream cipher nothing is left at the end.
  sealing.final();
  sealed.set(sealing.getAuthTag(), textAt + plaintext.length);
  return sealed;
}

/** Undefined where it is not authentic. */
function unseal(key: KeyObject, sealed: Uint8Array, authenticated: Buffer): Buffer | undefined {
  const tagAt = sealed.length - tagBytes;
  if (tagAt < nonceBytes) return undefined;
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  opening.setAAD(authenticated);
  opening.setAuthTag(sealed.subarray(tagAt));
  const plaintext = opening.update(sealed.subarray(nonceBytes, tagAt));
  try {
    opening.final();
  } catch {
    return undefined;
  }
  return plaintext;
}

function notOurs(): Promise<never> {
  return refuse("invalid-ciphertext", "The ciphertext, its key_id and its annotations were not made together by this plugin.");
}

function refuse(kind: ProviderFaultKind, message: string): Promise<never> {
  return Promise.reject(new ProviderFault(kind, message));
}
