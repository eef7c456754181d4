import type { Findings, Outcome } from "./check.ts";
import { inconclusive } from "./check.ts";
import { type Attempt, attempt, comparison, deadlineMs, ending, isRefusal, isSame, seedLength, timingsMsMax } from "./plugin-calls.ts";
import type { PluginSubject } from "./plugin-subject.ts";

/** Adds whether a plaintext comes back as it was, over KMS v1. */
export async function addRoundTripV1(subject: PluginSubject, findings: Findings, what: string, plain: Uint8Array): Promise<boolean> {
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

/** A DEK and its ciphertext, to alter; or why there is none: that is another check's finding. */
export async function sealedDek(subject: PluginSubject): Promise<{ readonly dek: Uint8Array; readonly cipher: Uint8Array } | Outcome> {
  const dek = subject.random.bytes(seedLength);
  const sealed = await attempt(subject.v1.encrypt(dek), subject);
  return sealed.isAnswered ? { dek, cipher: sealed.answer } : inconclusive(`Encrypt does not work: ${sealed.message}`);
}

/** Adds that Decrypt refuses some bytes, in time. */
export async function addRefusedV1(subject: PluginSubject, findings: Findings, what: string, cipher: Uint8Array): Promise<boolean> {
  const result = await attempt(subject.v1.decrypt(cipher), subject);
  return findings.add(isRefusal(result), {
    sent: `Decrypt of ${what}`,
    received: ending(result),
    expected: `a refusal within ${deadlineMs} ms`,
  });
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
