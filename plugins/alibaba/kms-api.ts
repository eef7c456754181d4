import { z } from "zod";
import type { CallOptions, RpcCaller } from "./client.ts";

export const kmsProduct = { name: "KMS", version: "2016-01-20" };

const base64 = z
  .base64()
  .min(4)
  .transform((text) => Buffer.from(text, "base64"));
const id = z.string().min(1).max(128);
const encryptSchema = z.object({ KeyId: id, KeyVersionId: id, CiphertextBlob: base64 });
const decryptSchema = z.object({ KeyId: id, KeyVersionId: id, Plaintext: base64 });
const describeSchema = z.object({
  KeyMetadata: z.object({
    KeyId: id,
    Arn: z.string().default(""),
    KeyState: z.string(),
    KeySpec: z.string().default(""),
    KeyUsage: z.string().default(""),
    Creator: z.string().default(""),
    PrimaryKeyVersion: z.string().default(""),
  }),
});

export type KeyMetadata = z.infer<typeof describeSchema>["KeyMetadata"];
/** Text to text; it is the authenticated data of the ciphertext, and asked for again on Decrypt (spec alibaba-cloud 1.4). */
export type EncryptionContext = Readonly<Record<string, string>>;

/** The three operations of the KMS that a plugin needs. Each call rejects as the client's does. */
export class KmsApi {
  readonly #client: RpcCaller;

  constructor(client: RpcCaller) {
    this.#client = client;
  }

  async encrypt(keyId: string, plaintext: Uint8Array, context: EncryptionContext, call: CallOptions) {
    const parameters = { KeyId: keyId, Plaintext: base64Of(plaintext), EncryptionContext: JSON.stringify(context) };
    const { KeyId, KeyVersionId, CiphertextBlob } = await this.#client.rpc("Encrypt", parameters, encryptSchema, call);
    return { keyId: KeyId, versionId: KeyVersionId, blob: CiphertextBlob };
  }

  async decrypt(blob: Uint8Array, context: EncryptionContext, call: CallOptions) {
    const parameters = { CiphertextBlob: base64Of(blob), EncryptionContext: JSON.stringify(context) };
    const { KeyId, KeyVersionId, Plaintext } = await this.#client.rpc("Decrypt", parameters, decryptSchema, call);
    return { keyId: KeyId, versionId: KeyVersionId, plaintext: Plaintext };
  }

  /** Whether Decrypt would work. It always rejects: with `DryRunOperationError` where it would (spec alibaba-cloud 1.6). */
  async tryDecrypt(blob: Uint8Array, context: EncryptionContext, call: CallOptions): Promise<void> {
    const parameters = { CiphertextBlob: base64Of(blob), EncryptionContext: JSON.stringify(context), DryRun: "true" };
    await this.#client.rpc("Decrypt", parameters, z.unknown(), call);
  }

  /** @param name - a key's id, an alias or an ARN */
  async describe(name: string, call: CallOptions): Promise<KeyMetadata> {
    return (await this.#client.rpc("DescribeKey", { KeyId: name }, describeSchema, call)).KeyMetadata;
  }
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
