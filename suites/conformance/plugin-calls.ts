import { randomUUID } from "node:crypto";
import type { Clock } from "../../harness/clock.ts";
import { defaultCallTimeoutMs, type EncryptResponse, KmsCallError, type KmsV2 } from "../../harness/kms/contract.ts";
import { type Findings, inconclusive, type Outcome } from "./check.ts";
import type { PluginSubject } from "./plugin-subject.ts";

/** kube-apiserver's deadline for a call, milliseconds. */
export const deadlineMs = defaultCallTimeoutMs;
/** As long as a DEK and as a seed: the only plaintexts that kube-apiserver encrypts, but for KMS v1's health probe. */
export const seedLength = 32;

/** How a call ended. */
export type Attempt<Answer> =
  | { readonly isAnswered: true; readonly answer: Answer; readonly ms: number }
  | { readonly isAnswered: false; readonly code: string; readonly message: string; readonly ms: number };

/** Waits for a call. What is no gRPC status is thrown on. */
export async function attempt<Answer>(call: Promise<Answer>, { clock }: { readonly clock: Clock }): Promise<Attempt<Answer>> {
  const startMs = clock.monotonicMs();
  try {
    return { isAnswered: true, answer: await call, ms: clock.monotonicMs() - startMs };
  } catch (thrown) {
    if (!(thrown instanceof KmsCallError)) throw thrown;
    return { isAnswered: false, code: thrown.grpcCodeName, message: thrown.message, ms: clock.monotonicMs() - startMs };
  }
}

/** `InvalidArgument after 3 ms`; what a plugin says in words is shown only where it cannot hold a plaintext. */
export function ending(result: Attempt<unknown>): string {
  return `${result.isAnswered ? "an answer" : result.code} after ${Math.round(result.ms)} ms`;
}

/** A call that hangs until its deadline has not refused anything. */
export function isRefusal(result: Attempt<unknown>): boolean {
  return !result.isAnswered && result.code !== "DeadlineExceeded";
}

export function encrypt(kms: KmsV2, plaintext: Uint8Array): Promise<EncryptResponse> {
  return kms.encrypt({ plaintext, uid: randomUUID() });
}

/** Decrypts what Encrypt gave; `changes` are made to the request. */
export async function decrypt(kms: KmsV2, sealed: EncryptResponse, changes: Partial<EncryptResponse> = {}): Promise<Uint8Array> {
  const { ciphertext, keyId, annotations } = { ...sealed, ...changes };
  return (await kms.decrypt({ ciphertext, keyId, annotations, uid: randomUUID() })).plaintext;
}

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** What came back for a plaintext, without saying it. */
export function comparison(sent: Uint8Array, received: Uint8Array): string {
  if (isSame(sent, received)) return "the same bytes";
  return sent.length === received.length ? `${received.length} other bytes` : `${received.length} bytes`;
}

/** Adds whether a plaintext comes back as it was. */
export async function addRoundTrip(subject: PluginSubject, findings: Findings, what: string, plaintext: Uint8Array): Promise<boolean> {
  const expected = "the same bytes";
  const sealed = await attempt(encrypt(subject.v2, plaintext), subject);
  if (!sealed.isAnswered) return findings.add(false, { sent: `Encrypt of ${what}`, received: sealed.message, expected: "a ciphertext" });
  const opened = await attempt(decrypt(subject.v2, sealed.answer), subject);
  if (!opened.isAnswered) return findings.add(false, { sent: `Decrypt of the ciphertext of ${what}`, received: opened.message, expected });
  return findings.add(isSame(plaintext, opened.answer), {
    sent: `Encrypt of ${what}, and Decrypt of the ciphertext`,
    received: comparison(plaintext, opened.answer),
    expected,
  });
}

/** Adds that the plugin still does its work. */
export function addStillWorks(subject: PluginSubject, findings: Findings): Promise<boolean> {
  return addRoundTrip(subject, findings, `${seedLength} random bytes afterwards`, subject.random.bytes(seedLength));
}

/** A ciphertext to alter, or why there is none: that is another check's finding. */
export async function sealedSeed(
  subject: PluginSubject,
): Promise<{ readonly seed: Uint8Array; readonly sealed: EncryptResponse } | Outcome> {
  const seed = subject.random.bytes(seedLength);
  const sealed = await attempt(encrypt(subject.v2, seed), subject);
  if (sealed.isAnswered) return { seed, sealed: sealed.answer };
  return inconclusive(`Encrypt does not work: ${sealed.message}`);
}

/** Adds that what was encrypted earlier can still be decrypted; `when` says how much earlier, "from before the restart". */
export async function addOpens(
  subject: PluginSubject,
  findings: Findings,
  when: string,
  { seed, sealed }: { readonly seed: Uint8Array; readonly sealed: EncryptResponse },
): Promise<boolean> {
  const opened = await attempt(decrypt(subject.v2, sealed), subject);
  return findings.add(opened.isAnswered && isSame(opened.answer, seed), {
    sent: `Decrypt of a ciphertext ${when}`,
    received: opened.isAnswered ? comparison(seed, opened.answer) : opened.message,
    expected: "the same bytes",
  });
}

const freshCalls = 16;

/** Adds whether equal plaintexts give different ciphertexts after two restarts: both from the start of a process on, where a counter begins. */
export async function addFreshAcrossRestarts(
  subject: PluginSubject,
  findings: Findings,
  encryptOne: (seed: Uint8Array) => Promise<Uint8Array>,
): Promise<void> {
  const seed = subject.random.bytes(seedLength);
  const seen = new Set<string>();
  for (let start = 0; start < 2; start++) {
    await subject.restart();
    for (let call = 0; call < freshCalls; call++) seen.add(Buffer.from(await encryptOne(seed)).toString("base64"));
  }
  findings.add(seen.size === 2 * freshCalls, {
    sent: `${freshCalls} Encrypts of the same 32 bytes after one restart, and as many after another`,
    received: `${seen.size} different ciphertexts`,
    expected: String(2 * freshCalls),
  });
}

/**
 * The same as {@link sealedSeed}, decrypted once: a plugin that keeps what it decrypted has it now, and has to tell a changed request from the one it knows.
 */
export async function openedSeed(subject: PluginSubject): ReturnType<typeof sealedSeed> {
  const made = await sealedSeed(subject);
  if ("verdict" in made) return made;
  const opened = await attempt(decrypt(subject.v2, made.sealed), subject);
  return opened.isAnswered ? made : inconclusive(`Decrypt does not work: ${opened.message}`);
}

/** How a plaintext could stand in something: as it is, in hex, in base64, as numbers. */
export function formsOf(plaintext: Uint8Array): readonly { readonly form: string; readonly bytes: Buffer }[] {
  const bytes = Buffer.from(plaintext);
  return [
    { form: "as it is", bytes },
    { form: "reversed", bytes: Buffer.from(plaintext.toReversed()) },
    { form: "in hex", bytes: Buffer.from(bytes.toString("hex")) },
    { form: "in hex", bytes: Buffer.from(bytes.toString("hex").toUpperCase()) },
    ...[0, 1, 2].flatMap((offset) => [
      { form: "in base64", bytes: Buffer.from(base64Within(bytes, offset)) },
      { form: "in base64url", bytes: Buffer.from(base64Within(bytes, offset).replaceAll("+", "-").replaceAll("/", "_")) },
    ]),
    // As Go and JavaScript print bytes.
    ...[" ", ","].map((separator) => ({ form: "in numbers", bytes: Buffer.from(bytes.join(separator)) })),
  ];
}

/** Those characters of base64 that some bytes alone decide, where so many others stand before them, modulo 3. */
function base64Within(bytes: Uint8Array, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

/** The form in which a plaintext stands in some bytes; undefined where it does not. */
export function formIn(haystack: Uint8Array, plaintext: Uint8Array): string | undefined {
  const bytes = Buffer.from(haystack);
  return formsOf(plaintext).find((form) => bytes.includes(form.bytes))?.form;
}

/**
 * The first half of one ciphertext and the second of another; more of the first where both begin alike for longer, so that it is neither of
 * the two.
 */
export function exchangedHalves(one: Uint8Array, other: Uint8Array): Uint8Array {
  const firstDifference = one.findIndex((byte, at) => byte !== other[at]);
  const length = Math.max(Math.floor(one.length / 2), firstDifference + 1);
  return Buffer.concat([one.subarray(0, length), other.subarray(length)]);
}

/** Adds that Decrypt refuses a request that was changed so, in time. */
export async function addRefused(
  subject: PluginSubject,
  findings: Findings,
  what: string,
  sealed: EncryptResponse,
  changes: Partial<EncryptResponse>,
): Promise<boolean> {
  const result = await attempt(decrypt(subject.v2, sealed, changes), subject);
  return findings.add(isRefusal(result), {
    sent: `Decrypt of ${what}`,
    received: ending(result),
    expected: `a refusal within ${deadlineMs} ms`,
  });
}

/** Where calls take long, fewer of them say enough. */
export const timingsMsMax = 3000;

/** How long 60 calls of each method take, one after the other; `failed` says what went wrong with the first that did. */
export async function timings(
  subject: PluginSubject,
): Promise<{ readonly p90Ms: number; readonly slowestMs: number; readonly failed: string | undefined }> {
  const times: number[] = [];
  const giveUpMs = subject.clock.monotonicMs() + timingsMsMax;
  for (let round = 0; round < 60 && (round < 3 || subject.clock.monotonicMs() < giveUpMs); round++) {
    const sealed = await attempt(encrypt(subject.v2, subject.random.bytes(seedLength)), subject);
    if (!sealed.isAnswered) return { p90Ms: sealed.ms, slowestMs: sealed.ms, failed: sealed.message };
    for (const next of [() => subject.v2.status(), () => decrypt(subject.v2, sealed.answer)]) {
      const result = await attempt<unknown>(next(), subject);
      if (!result.isAnswered) return { p90Ms: result.ms, slowestMs: result.ms, failed: result.message };
      times.push(result.ms);
    }
    times.push(sealed.ms);
  }
  times.sort((a, b) => a - b);
  return { p90Ms: times[Math.floor(times.length * 0.9)] ?? 0, slowestMs: times.at(-1) ?? 0, failed: undefined };
}

/** A rotation is seen by kube-apiserver within a minute; a plugin that notices it later than this is not waited for, milliseconds. */
const noticeMsMax = 20_000;
const noticePollMs = 200;

/** What a rotation needs of a plugin. */
export type Rotatable = Pick<PluginSubject, "rotate" | "clock" | "signal"> & { readonly v2: Pick<KmsV2, "status"> };

/** Rotates and waits until Status names another key_id; undefined where it does not. */
export async function rotated(subject: Rotatable): Promise<{ readonly before: string; readonly after: string } | undefined> {
  const before = (await subject.v2.status()).keyId;
  await subject.rotate();
  const giveUpMs = subject.clock.monotonicMs() + noticeMsMax;
  for (;;) {
    const after = (await subject.v2.status()).keyId;
    if (after !== before) return { before, after };
    if (subject.clock.monotonicMs() > giveUpMs) return undefined;
    await subject.clock.sleep(noticePollMs, subject.signal);
  }
}
