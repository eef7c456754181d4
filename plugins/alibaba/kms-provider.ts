import { createHash } from "node:crypto";
import { type CallContext, type KeyVersion, type KmsProvider, ProviderFault, type Wrapped } from "../provider.ts";
import { AlibabaFault } from "./fault.ts";
import { type Form, framePlaintext, frameV1, plaintextBytesMax, unframePlaintext, unframeV1 } from "./framing.ts";
import { complaintOf } from "./key-check.ts";
import { formatKeyId, isId, type KeyIdParts, parseKeyId } from "./key-id.ts";
import type { EncryptionContext, KmsApi } from "./kms-api.ts";
import { type KmsAction, kmsFaultOf } from "./kms-fault.ts";
import { SharedCalls } from "./shared-calls.ts";

/**
 * How long the key version that was learnt holds, milliseconds: at most 240 questions an hour, however many Status calls come.
 * kube-apiserver polls once a minute, which is more than three times as long, so that its poll waits for the KMS and tells a rotation at
 * once; whoever polls more often is answered from memory.
 */
export const keyVersionFreshMs = 15_000;

/** Names the form of what is sealed; it is bound to that, and the only annotation. */
const sealForm = "1";
const formAnnotation = "form.kmsmark.local";
const annotations: ReadonlyMap<string, Uint8Array> = new Map([[formAnnotation, Buffer.from(sealForm)]]);

/** What a ciphertext is for. The KMS authenticates it, so that none passes for another. */
type Purpose = Form | "probe";

/** The key as the KMS knows it. */
interface KnownKey {
  readonly id: string;
  /** What calls name it by: its ARN where that is how it was given, since a key of another account is known by nothing else. */
  readonly callName: string;
  readonly primaryVersionId: string;
}

export interface AlibabaProviderSettings {
  /** The key's id, an alias or an ARN. */
  readonly keyName: string;
  readonly clusterId: string;
}

/** What came with the provider and ends with it. */
export interface AlibabaProviderHold {
  forgetCredentials(): void;
  dispose(): Promise<void>;
}

/** The talk with the KMS; see `openAlibabaProvider`. */
export class AlibabaProvider implements KmsProvider {
  readonly name = "alibaba";
  readonly keyVersionFreshMs = keyVersionFreshMs;
  readonly #kms: KmsApi;
  readonly #settings: AlibabaProviderSettings;
  readonly #hold: AlibabaProviderHold;
  readonly #decrypts = new SharedCalls<KeyIdParts & { readonly plaintext: Uint8Array }>();
  #key: KnownKey | undefined;
  /** Which version the last Encrypt said it used; undefined when there was none, or when it failed. */
  #encrypting: KeyIdParts | undefined;

  constructor(kms: KmsApi, settings: AlibabaProviderSettings, hold: AlibabaProviderHold) {
    this.#kms = kms;
    this.#settings = settings;
    this.#hold = hold;
  }

  /**
   * Whether the key is one that can serve, and whether the credentials may encrypt and decrypt.
   * @param retried - repeats what fails in passing, each call for itself
   * @throws ProviderFault with what to do
   */
  async check(context: CallContext, retried: <Answer>(call: () => Promise<Answer>) => Promise<Answer>): Promise<void> {
    const key = await retried(() => this.#describe(context));
    const { blob } = await retried(() => this.#probe(key, context));
    await retried(() => this.#tryDecrypt(blob, key, context));
  }

  async #tryDecrypt(blob: Uint8Array, key: KnownKey, context: CallContext): Promise<void> {
    try {
      await this.#kms.tryDecrypt(blob, this.#context("probe", key.id), context);
    } catch (thrown) {
      const code = thrown instanceof AlibabaFault ? thrown.facts.serviceCode : undefined;
      // A dry run that would have worked ends so (spec alibaba-cloud 1.6).
      if (code !== "DryRunOperationError") throw kmsFaultOf(thrown, "Decrypt");
    }
  }

  /**
   * Describing the key costs no money and names the primary version, but what counts is which version Encrypt uses: on a dedicated gateway
   * that is not the primary (spec alibaba-cloud 1.3). So an Encrypt is made where the two are not known to be one.
   */
  async currentKey(context: CallContext): Promise<KeyVersion> {
    const key = await this.#describe(context);
    const known = this.#encrypting;
    if (known !== undefined && known.keyId === key.id && known.versionId === key.primaryVersionId) return { keyId: formatKeyId(known) };
    const { versionId } = await this.#probe(key, context);
    return { keyId: formatKeyId({ keyId: key.id, versionId }) };
  }

  async encrypt(plaintext: Uint8Array, context: CallContext): Promise<Wrapped> {
    const { keyId, versionId, blob } = await this.#seal("v2", plaintext, await this.#knownKey(context), context);
    return { ciphertext: blob, keyId: formatKeyId({ keyId, versionId }), annotations };
  }

  async decrypt({ ciphertext, keyId, annotations: given }: Wrapped, context: CallContext): Promise<Uint8Array> {
    const named = parseKeyId(keyId);
    if (named === undefined) throw invalidCiphertext("The key_id is none that this plugin gave out.");
    if (!isOurs(given)) throw invalidCiphertext("The annotations are not those that this plugin gave out.");
    const opened = await this.#open("v2", named.keyId, ciphertext, context);
    if (opened.keyId !== named.keyId || opened.versionId !== named.versionId) {
      throw invalidCiphertext("The ciphertext was made under another key version than its key_id says.");
    }
    return opened.plaintext;
  }

  async encryptV1(plaintext: Uint8Array, context: CallContext): Promise<Uint8Array> {
    const { keyId, blob } = await this.#seal("v1", plaintext, await this.#knownKey(context), context);
    return frameV1(keyId, blob);
  }

  async decryptV1(ciphertext: Uint8Array, context: CallContext): Promise<Uint8Array> {
    const framed = unframeV1(ciphertext);
    if (framed === undefined) throw invalidCiphertext("The ciphertext is none of KMS v1 that this plugin made.");
    const opened = await this.#open("v1", framed.keyId, framed.blob, context);
    if (opened.keyId !== framed.keyId) throw invalidCiphertext("The ciphertext was made under another key than it says.");
    return opened.plaintext;
  }

  async reload(): Promise<void> {
    this.#hold.forgetCredentials();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#hold.dispose();
  }

  async #knownKey(context: CallContext): Promise<KnownKey> {
    return this.#key ?? (await this.#describe(context));
  }

  async #describe(context: CallContext): Promise<KnownKey> {
    const { keyName } = this.#settings;
    const metadata = await this.#asking("DescribeKey", () => this.#kms.describe(keyName, context));
    const complaint = complaintOf(metadata);
    if (complaint !== undefined) throw new ProviderFault("key-unusable", complaint);
    if (!isId(metadata.KeyId)) throw new ProviderFault("internal", "The KMS names the key in a way that is not documented.");
    const callName = keyName.startsWith("acs:") && metadata.Arn !== "" ? metadata.Arn : metadata.KeyId;
    this.#key = { id: metadata.KeyId, callName, primaryVersionId: metadata.PrimaryKeyVersion };
    return this.#key;
  }

  /** Finds out by an Encrypt of nothing which version encrypts. Its ciphertext is good for nothing else. */
  #probe(key: KnownKey, context: CallContext) {
    return this.#seal("probe", new Uint8Array(0), key, context);
  }

  async #seal(purpose: Purpose, plaintext: Uint8Array, key: KnownKey, context: CallContext) {
    if (plaintext.length > plaintextBytesMax) {
      throw new ProviderFault(
        "invalid-request",
        `The plaintext has ${plaintext.length} bytes; the KMS takes at most ${plaintextBytesMax} of this plugin.`,
      );
    }
    const framed = framePlaintext(purpose === "probe" ? "v2" : purpose, plaintext);
    try {
      const answer = await this.#asking("Encrypt", () => this.#kms.encrypt(key.callName, framed, this.#context(purpose, key.id), context));
      if (answer.keyId !== key.id) throw new ProviderFault("internal", "The KMS encrypted under another key than it was told to.");
      if (!isId(answer.versionId)) throw new ProviderFault("internal", "The KMS names the key version in a way that is not documented.");
      this.#encrypting = { keyId: answer.keyId, versionId: answer.versionId };
      return answer;
    } catch (thrown) {
      const saysNothing = thrown instanceof ProviderFault && (thrown.kind === "cancelled" || thrown.kind === "throttled");
      if (!saysNothing) this.#encrypting = undefined;
      throw thrown;
    }
  }

  /** Equal calls that are under way together are one at the KMS: an API server that starts asks ten times for one seed. */
  async #open(form: Form, keyId: string, blob: Uint8Array, context: CallContext) {
    const call = createHash("sha256").update(`${form}/${keyId}/`).update(blob).digest("hex");
    const opened = await this.#decrypts.run(call, context.signal, (signal) =>
      this.#asking("Decrypt", () => this.#kms.decrypt(blob, this.#context(form, keyId), { signal })),
    );
    const plaintext = unframePlaintext(form, opened.plaintext);
    if (plaintext === undefined) throw invalidCiphertext("The ciphertext was not made by this plugin for this version of the contract.");
    return { ...opened, plaintext };
  }

  #context(purpose: Purpose, keyId: string): EncryptionContext {
    return {
      "kmsmark-cluster": this.#settings.clusterId,
      "kmsmark-form": sealForm,
      "kmsmark-key": keyId,
      "kmsmark-purpose": purpose,
    };
  }

  async #asking<Answer>(action: KmsAction, call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call();
    } catch (thrown) {
      throw kmsFaultOf(thrown, action);
    }
  }
}

function isOurs(given: ReadonlyMap<string, Uint8Array>): boolean {
  const value = given.get(formAnnotation);
  return given.size === annotations.size && value !== undefined && Buffer.from(value).toString("latin1") === sealForm;
}

function invalidCiphertext(message: string): ProviderFault {
  return new ProviderFault("invalid-ciphertext", message);
}
