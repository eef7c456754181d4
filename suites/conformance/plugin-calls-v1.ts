import type { RawKms } from "../../harness/kms/client.ts";
import type { KmsV1 } from "../../harness/kms/contract.ts";
import { type KmsMethod, kmsV1Service } from "../../harness/kms/messages.ts";
import { type Findings, inconclusive, type Outcome } from "./check.ts";
import {
  type Attempt,
  attempt,
  comparison,
  deadlineMs,
  ending,
  isRefusal,
  isSame,
  type Rotatable,
  rotated,
  seedLength,
  timingsMsMax,
} from "./plugin-calls.ts";
import type { PluginSubject } from "./plugin-subject.ts";

/** The version that every request and every answer of KMS v1 names (spec encryption-at-rest 1.1). */
export const versionV1 = "v1beta1";

/**
 * Why a KMS v1 plugin should refuse what it did not encrypt, and why it need not: kube-apiserver enforces nothing of it, and mostly notices a
 * wrong DEK by itself.
 */
export const authenticitySource =
  "good practice; spec encryption-at-rest 1.2: a wrong DEK is noticed at the tag of the object, but not always by the CBC that is tried next, and nothing beside the ciphertext says which key it needs";

/** Adds whether a plaintext comes back as it was, over KMS v1. */
export async function addRoundTripV1(
  subject: Pick<PluginSubject, "v1" | "clock">,
  findings: Findings,
  what: string,
  plain: Uint8Array,
): Promise<boolean> {
  const expected = "the same bytes";
  const sealed = await attempt(subject.v1.encrypt(plain), subject);
  if (!sealed.isAnswered) return findings.add(false, { sent: `Encrypt of ${what}`, received: sealed.message, expected: "a ciphertext" });
  const opened = await attempt(subject.v1.decrypt(sealed.answer), subject);
  if (!opened.isAnswered) return findings.add(false, { sent: `Decrypt of the ciphertext of ${what}`, received: opened.message, expected });
  return findings.add(isSame(plain, opened.answer), {
    sent: `Encrypt of ${what}, and Decrypt of the ciphertext`,
    received: comparison(plain, opened.answer),
    expected,
  });
}

/** Adds that the plugin still does its work. */
export function addStillWorksV1(subject: PluginSubject, findings: Findings): Promise<boolean> {
  return addRoundTripV1(subject, findings, `${seedLength} random bytes afterwards`, subject.random.bytes(seedLength));
}

/** A DEK and what Encrypt made of it. */
export interface SealedDek {
  readonly dek: Uint8Array;
  readonly cipher: Uint8Array;
}

/** A DEK and its ciphertext, to alter; or why there is none: that is another check's finding. */
export async function sealedDek(subject: PluginSubject, dek = subject.random.bytes(seedLength)): Promise<SealedDek | Outcome> {
  const sealed = await attempt(subject.v1.encrypt(dek), subject);
  return sealed.isAnswered ? { dek, cipher: sealed.answer } : inconclusive(`Encrypt does not work: ${sealed.message}`);
}

/** The same, decrypted once: a plugin that keeps what it decrypted has it now, and has to tell a changed ciphertext from the one it knows. */
export async function openedDek(subject: PluginSubject): Promise<SealedDek | Outcome> {
  const made = await sealedDek(subject);
  if ("verdict" in made) return made;
  const opened = await attempt(subject.v1.decrypt(made.cipher), subject);
  return opened.isAnswered ? made : inconclusive(`Decrypt does not work: ${opened.message}`);
}

/** Adds that what was encrypted earlier can still be decrypted; `when` says how much earlier, "from before the restart". */
export async function addOpensV1(subject: PluginSubject, findings: Findings, when: string, { dek, cipher }: SealedDek): Promise<boolean> {
  const opened = await attempt(subject.v1.decrypt(cipher), subject);
  return findings.add(opened.isAnswered && isSame(opened.answer, dek), {
    sent: `Decrypt of a ciphertext ${when}`,
    received: opened.isAnswered ? comparison(dek, opened.answer) : opened.message,
    expected: "the same bytes",
  });
}

/** Bytes that Encrypt did not give. */
export interface WrongCipher {
  /** In words: `an empty ciphertext`. */
  readonly what: string;
  readonly cipher: Uint8Array;
}

/** One that is not in the cloud answers at once, one that is should not be asked for each byte of a ciphertext after the other. */
const atOnce = 8;

/** Adds how Decrypt ends for each of some wrong ciphertexts, `isRight` says which end is right. Stops at the first that is not. */
export async function addEndingsV1(
  subject: PluginSubject,
  findings: Findings,
  wrong: readonly WrongCipher[],
  { isRight, expected }: { readonly isRight: (result: Attempt<Uint8Array>) => boolean; readonly expected: string },
): Promise<void> {
  const waiting = [...wrong];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined && !findings.hasFailed; next = waiting.shift()) {
      const result = await attempt(subject.v1.decrypt(next.cipher), subject);
      findings.add(isRight(result), { sent: `Decrypt of ${next.what}`, received: ending(result), expected });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** Adds that Decrypt refuses each of some wrong ciphertexts in time, and that the plugin still works afterwards. */
export async function addRefusedV1(subject: PluginSubject, findings: Findings, wrong: readonly WrongCipher[]): Promise<void> {
  await addEndingsV1(subject, findings, wrong, { isRight: isRefusal, expected: `a refusal within ${deadlineMs} ms` });
  await addStillWorksV1(subject, findings);
}

/** Requests made by hand: of whatever version, and with bytes behind them that belong to no field of the contract. */
export function handmadeV1(raw: RawKms, { version, tail }: { readonly version: string; readonly tail: Uint8Array }): KmsV1 {
  const send = async <Request, Response>(method: KmsMethod<Request, Response>, request: Request): Promise<Response> => {
    const answer = await raw.call(method.path, Buffer.concat([method.requestSerialize(request), tail]));
    return method.responseDeserialize(Buffer.from(answer));
  };
  return {
    version: () => send(kmsV1Service.Version, { version }),
    encrypt: async (plain) => (await send(kmsV1Service.Encrypt, { version, plain })).cipher,
    decrypt: async (cipher) => (await send(kmsV1Service.Decrypt, { version, cipher })).plain,
  };
}

/** How long a plugin gets to notice that its key was rotated, where nothing tells that it has, milliseconds. */
const noticeMs = 2000;

/**
 * Rotates the key. KMS v1 names none: where the plugin serves v2 as well, its key_id tells when the new key is in use. Resolves to why the
 * plugin cannot be judged, where the key stays the same.
 */
export async function rotateV1(subject: Rotatable): Promise<Outcome | undefined> {
  if ((await attempt(subject.v2.status(), subject)).isAnswered) {
    const change = await rotated(subject);
    return change === undefined ? inconclusive("The key_id of KMS v2 is still the same: nothing was rotated.") : undefined;
  }
  await subject.rotate();
  await subject.clock.sleep(noticeMs, subject.signal);
  return undefined;
}

/** How long 60 calls of Encrypt and Decrypt take, one after the other; `failed` says what went wrong with the first that did. */
export async function timingsV1(
  subject: PluginSubject,
): Promise<{ readonly p90Ms: number; readonly slowestMs: number; readonly failed: string | undefined }> {
  const times: number[] = [];
  const giveUpMs = subject.clock.monotonicMs() + timingsMsMax;
  for (let round = 0; round < 60 && (round < 3 || subject.clock.monotonicMs() < giveUpMs); round++) {
    const sealed = await attempt(subject.v1.encrypt(subject.random.bytes(seedLength)), subject);
    const opened: Attempt<Uint8Array> = sealed.isAnswered ? await attempt(subject.v1.decrypt(sealed.answer), subject) : sealed;
    if (!opened.isAnswered) return { p90Ms: opened.ms, slowestMs: opened.ms, failed: opened.message };
    times.push(sealed.ms, opened.ms);
  }
  times.sort((a, b) => a - b);
  return { p90Ms: times[Math.floor(times.length * 0.9)] ?? 0, slowestMs: times.at(-1) ?? 0, failed: undefined };
}
