import { createHash } from "node:crypto";
import { KmsCallError, type KmsV1, type KmsV2 } from "../../kms/contract.ts";
import type { KmsConnections } from "./provider-set.ts";

/** A KMS in this process for tests: it wraps keys reversibly, counts its calls and can be told to misbehave. It protects nothing. */
export class FakeKms implements KmsConnections {
  readonly calls = { Status: 0, Version: 0, Encrypt: 0, Decrypt: 0 };
  keyId = "key-1";
  healthz = "ok";
  /** What Encrypt says instead of {@link keyId}. */
  encryptKeyId: string | undefined;
  /** How many bytes Decrypt leaves out. */
  missingBytes = 0;
  /** Methods that fail as Unavailable. */
  readonly broken = new Set<keyof FakeKms["calls"]>();

  connectV2(): KmsV2 & Disposable {
    return {
      status: async () => this.#answer("Status", () => ({ version: "v2", healthz: this.healthz, keyId: this.keyId })),
      encrypt: async ({ plaintext }) =>
        this.#answer("Encrypt", () => ({
          ciphertext: flip(plaintext),
          keyId: this.encryptKeyId ?? this.keyId,
          annotations: new Map([["version.kms.test", Uint8Array.of(1)]]),
        })),
      decrypt: async ({ ciphertext }) => this.#answer("Decrypt", () => ({ plaintext: this.#unwrap(ciphertext) })),
      [Symbol.dispose]: () => {},
    };
  }

  connectV1(): KmsV1 & Disposable {
    return {
      version: async () => this.#answer("Version", () => ({ version: "v1beta1", runtimeName: "fake", runtimeVersion: "1" })),
      encrypt: async (plain) => this.#answer("Encrypt", () => flip(plain)),
      decrypt: async (cipher) => this.#answer("Decrypt", () => this.#unwrap(cipher)),
      [Symbol.dispose]: () => {},
    };
  }

  /** The calls since the last time that this was asked. */
  takeCalls(): Partial<FakeKms["calls"]> {
    const taken = Object.fromEntries(Object.entries(this.calls).filter(([, count]) => count > 0));
    Object.assign(this.calls, { Status: 0, Version: 0, Encrypt: 0, Decrypt: 0 });
    return taken;
  }

  #unwrap(ciphertext: Uint8Array): Uint8Array {
    return flip(ciphertext).subarray(this.missingBytes);
  }

  #answer<Answer>(method: keyof FakeKms["calls"], answer: () => Answer): Answer {
    this.calls[method]++;
    if (this.broken.has(method)) throw new KmsCallError(14, "the fake KMS is down");
    return answer();
  }
}

const mask = createHash("sha256").update("fake").digest();

function flip(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => byte ^ (mask[index % mask.length] ?? 0));
}
