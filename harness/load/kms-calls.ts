import type { Clock } from "../clock.ts";
import { KmsCallError, type KmsVersion, methodPaths } from "../kms/contract.ts";
import { kmsV1Service, kmsV2Service } from "../kms/messages.ts";
import type { Random } from "../random.ts";
import { KmsLoadClient, type LoadCall } from "./kms-load-client.ts";

/** What a plugin is loaded with: `status` is KMS v1's Version. */
export const kmsLoadMethods = ["encrypt", "decrypt", "status"] as const;
export type KmsLoadMethod = (typeof kmsLoadMethods)[number];

export interface KmsCallsOptions {
  readonly endpoint: string;
  readonly kms: KmsVersion;
  readonly method: KmsLoadMethod;
  /** How many different calls. */
  readonly count: number;
  readonly random: Random;
  readonly clock: Clock;
}

const versionV1 = "v1beta1";
/** kube-apiserver encrypts a DEK seed (v2) or a DEK (v1) of 32 bytes (spec encryption-at-rest 1.2, 2.3). */
const plaintextBytes = 32;
/** Spec encryption-at-rest 2.2. */
const ciphertextBytesMax = 1024;
const keyIdBytesMax = 1024;

/**
 * Different calls of one method, of the sizes that kube-apiserver sends, each of which knows a right answer. For Decrypt the plugin is asked to encrypt
 * first.
 * @throws KmsCallError where it does not, and what {@link KmsLoadClient.connect} throws.
 */
export async function kmsCalls(options: KmsCallsOptions): Promise<LoadCall[]> {
  const { kms, method, count, random } = options;
  if (method === "status") return [kms === "v2" ? statusCall : versionCall];
  const plaintexts = Array.from({ length: count }, () => random.bytes(plaintextBytes));
  const encrypts = plaintexts.map((plaintext) => encryptCall(kms, plaintext, random));
  if (method === "encrypt") return encrypts;
  const answers = await answersTo(encrypts, options);
  return answers.map((answer, number) => decryptCall(kms, answer, plaintexts[number] ?? new Uint8Array(), random));
}

const statusCall: LoadCall = {
  path: methodPaths.v2.Status,
  request: kmsV2Service.Status.requestSerialize({}),
  verify: decoding(kmsV2Service.Status.responseDeserialize, ({ version, healthz, keyId }) => {
    if (version !== "v2" && version !== "v2beta1") return "Status answers another version than v2";
    if (healthz !== "ok") return "Status answers another healthz than ok";
    return keyId === "" ? "Status answers no key_id" : undefined;
  }),
};

const versionCall: LoadCall = {
  path: methodPaths.v1.Version,
  request: kmsV1Service.Version.requestSerialize({ version: versionV1 }),
  verify: decoding(kmsV1Service.Version.responseDeserialize, ({ version }) =>
    version === versionV1 ? undefined : `Version answers another version than ${versionV1}`,
  ),
};

function encryptCall(kms: KmsVersion, plaintext: Uint8Array, random: Random): LoadCall {
  if (kms === "v1") {
    return {
      path: methodPaths.v1.Encrypt,
      request: kmsV1Service.Encrypt.requestSerialize({ version: versionV1, plain: plaintext }),
      verify: decoding(kmsV1Service.Encrypt.responseDeserialize, ({ cipher }) =>
        cipher.length === 0 ? "Encrypt answers an empty ciphertext" : undefined,
      ),
    };
  }
  return {
    path: methodPaths.v2.Encrypt,
    request: kmsV2Service.Encrypt.requestSerialize({ plaintext, uid: uidFrom(random) }),
    verify: decoding(kmsV2Service.Encrypt.responseDeserialize, ({ ciphertext, keyId }) => {
      if (ciphertext.length === 0 || ciphertext.length > ciphertextBytesMax)
        return `Encrypt answers a ciphertext of ${ciphertext.length} bytes`;
      const keyIdBytes = Buffer.byteLength(keyId);
      return keyIdBytes === 0 || keyIdBytes > keyIdBytesMax ? `Encrypt answers a key_id of ${keyIdBytes} bytes` : undefined;
    }),
  };
}

/** @param answer - of the Encrypt of `plaintext`. */
function decryptCall(kms: KmsVersion, answer: Uint8Array, plaintext: Uint8Array, random: Random): LoadCall {
  const judge = (decrypted: Uint8Array) => (Buffer.compare(decrypted, plaintext) === 0 ? undefined : "Decrypt answers another plaintext");
  if (kms === "v1") {
    const { cipher } = kmsV1Service.Encrypt.responseDeserialize(answer);
    return {
      path: methodPaths.v1.Decrypt,
      request: kmsV1Service.Decrypt.requestSerialize({ version: versionV1, cipher }),
      verify: decoding(kmsV1Service.Decrypt.responseDeserialize, ({ plain }) => judge(plain)),
    };
  }
  const encrypted = kmsV2Service.Encrypt.responseDeserialize(answer);
  return {
    path: methodPaths.v2.Decrypt,
    request: kmsV2Service.Decrypt.requestSerialize({ ...encrypted, uid: uidFrom(random) }),
    verify: decoding(kmsV2Service.Decrypt.responseDeserialize, (decrypted) => judge(decrypted.plaintext)),
  };
}

/** Judges an answer that is a protobuf message, and says so where it is none. */
function decoding<Answer>(decode: (bytes: Uint8Array) => Answer, judge: (answer: Answer) => string | undefined): LoadCall["verify"] {
  return (bytes) => {
    let answer: Answer;
    try {
      answer = decode(bytes);
    } catch {
      return "the answer is no message of the contract";
    }
    return judge(answer);
  };
}

/** The answers to calls that are made once each, in their order. */
async function answersTo(calls: readonly LoadCall[], { endpoint, clock }: KmsCallsOptions): Promise<Uint8Array[]> {
  const answers: Uint8Array[] = [];
  const keeping = calls.map((call, number) => ({
    ...call,
    verify: (answer: Uint8Array) => {
      answers[number] = Uint8Array.from(answer);
      return call.verify(answer);
    },
  }));
  await using client = await KmsLoadClient.connect({ endpoint, clock, calls: keeping, verifyEvery: 1 });
  const all = Promise.withResolvers<void>();
  let open = calls.length;
  client.onDone = (_index, status, failure) => {
    if (failure !== undefined) all.reject(new KmsCallError(status, failure));
    else if (--open === 0) all.resolve();
  };
  for (const index of calls.keys()) client.send(index);
  client.flush();
  await all.promise;
  return answers;
}

/** A UUIDv4, as kube-apiserver names its calls. */
function uidFrom(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
