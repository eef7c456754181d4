import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { messageOf, PluginError } from "../../harness/errors.ts";
import { type PromptProvider, ProviderFault, type Wrapped } from "../../plugins/provider.ts";
import { type ProviderOption, type ProviderWords, textOf } from "../../plugins/provider-options.ts";

export const options = [
  { name: "kek-file", type: "string", isRequired: true, describe: "File with the key, 32 random bytes." },
] as const satisfies readonly ProviderOption[];

export interface OneKeySettings {
  readonly kekFile: string;
}

export function settingsOf(words: ProviderWords): OneKeySettings {
  return { kekFile: textOf(words, "kek-file") ?? "" };
}

const kekBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const cipher = "aes-256-gcm";

/**
 * AES-256-GCM under one key that never changes.
 * @throws PluginError where the file cannot be read, or holds no key
 */
export async function openOneKeyProvider({ kekFile }: OneKeySettings): Promise<PromptProvider> {
  const kek = await readFile(kekFile).catch((thrown: unknown) => {
    throw new PluginError("kek-unreadable", `The file of --kek-file cannot be read: ${messageOf(thrown)}.`);
  });
  if (kek.length !== kekBytes) {
    throw new PluginError("kek-length", `The file of --kek-file has ${kek.length} bytes.`, { hint: `It has to have ${kekBytes}.` });
  }
  return new OneKeyProvider(kek);
}

class OneKeyProvider implements PromptProvider {
  readonly name = "one-key";
  /** Nothing is asked for over a network, so there is nothing to remember. */
  readonly keyVersionFreshMs = 0;
  readonly #keyId: string;
  readonly #keyV1: Buffer;
  readonly #keyV2: Buffer;

  constructor(kek: Buffer) {
    // Three values of one secret, none of which tells another (RFC 5869): the key_id is stored with every object, in plain text.
    const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", kek, "", `one-key ${purpose}`, kekBytes));
    this.#keyId = derive("key_id").toString("hex");
    this.#keyV1 = derive("v1");
    this.#keyV2 = derive("v2");
  }

  async currentKey() {
    return { keyId: this.#keyId };
  }

  encrypt(plaintext: Uint8Array): Wrapped {
    return { ciphertext: seal(this.#keyV2, plaintext), keyId: this.#keyId, annotations: new Map() };
  }

  async decrypt({ ciphertext, keyId, annotations }: Wrapped) {
    if (keyId !== this.#keyId) throw new ProviderFault("key-unusable", "The key in the file is another than the one that encrypted.");
    if (annotations.size > 0) throw new ProviderFault("invalid-ciphertext", "This provider makes no annotations.");
    return open(this.#keyV2, ciphertext);
  }

  encryptV1(plaintext: Uint8Array) {
    return seal(this.#keyV1, plaintext);
  }

  async decryptV1(ciphertext: Uint8Array) {
    return open(this.#keyV1, ciphertext);
  }

  async [Symbol.asyncDispose]() {}
}

/** `nonce | ciphertext | tag`, with a nonce that is drawn anew. */
function seal(key: Buffer, plaintext: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
  return Buffer.concat([nonce, sealing.update(plaintext), sealing.final(), sealing.getAuthTag()]);
}

function open(key: Buffer, sealed: Uint8Array): Buffer {
  try {
    const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
    opening.setAuthTag(sealed.subarray(-tagBytes));
    return Buffer.concat([opening.update(sealed.subarray(nonceBytes, -tagBytes)), opening.final()]);
  } catch {
    throw new ProviderFault("invalid-ciphertext", "The ciphertext was not made by this provider, or was changed.");
  }
}
