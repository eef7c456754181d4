import { Findings, notApplicable, type Outcome } from "./check.ts";
import { attempt, formIn, seedLength } from "./plugin-calls.ts";
import { handmadeV1, sealedDek } from "./plugin-calls-v1.ts";
import type { PluginSubject } from "./plugin-subject.ts";

/** What an error message may hold of a request. */
export type Payload = "plaintext" | "ciphertext";

/**
 * Whether error messages hold what was sent, found with requests that a plugin should refuse. The DEK is of letters, which look the same in
 * whatever way a language prints bytes as text.
 */
export async function judgeMessagesV1(subject: PluginSubject, payload: Payload): Promise<Outcome> {
  const made = await sealedDek(
    subject,
    Uint8Array.from({ length: seedLength }, () => 0x61 + subject.random.below(26)),
  );
  if ("verdict" in made) return made;
  const { dek, cipher } = made;
  if (cipher.length < 16) return notApplicable("A ciphertext so short cannot be told from other words.");
  using raw = subject.connectRaw();
  const other = handmadeV1(raw, { version: "v99", tail: new Uint8Array(0) });
  const flipped = Uint8Array.from(cipher, (byte, at) => (at === cipher.length - 1 ? byte ^ 1 : byte));
  const wrong = [
    { what: "Decrypt of a ciphertext with a byte too many", call: subject.v1.decrypt(Buffer.concat([cipher, Uint8Array.of(7)])) },
    { what: "Decrypt of a ciphertext with its last bit changed", call: subject.v1.decrypt(flipped) },
    { what: "Decrypt of a ciphertext, of another version", call: other.decrypt(cipher) },
    { what: "Decrypt of a DEK", call: subject.v1.decrypt(dek) },
    { what: "Encrypt of a DEK, of another version", call: other.encrypt(dek) },
    { what: "Encrypt of 64 KiB", call: subject.v1.encrypt(Buffer.concat(Array.from({ length: 2048 }, () => dek))) },
  ];
  const findings = new Findings();
  // A ciphertext may begin with a key's name, which a message may well tell.
  const sought = payload === "plaintext" ? [dek.slice(0, 16), dek.slice(16)] : [cipher.slice(-16)];
  const results = await Promise.all(wrong.map(async ({ what, call }) => ({ what, result: await attempt(call, subject) })));
  for (const { what, result } of results) {
    if (result.isAnswered) continue;
    const message = Buffer.from(result.message);
    const form = sought.map((part) => formIn(message, part)).find((found) => found !== undefined);
    findings.add(form === undefined, {
      sent: what,
      received: form === undefined ? `${result.code} without the ${payload}` : `a message that holds the ${payload} ${form}`,
      expected: `no ${payload} in the message`,
    });
  }
  return findings.isEmpty ? notApplicable("The plugin refused none of the wrong requests.") : findings.outcome();
}
