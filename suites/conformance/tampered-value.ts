import { parseStoredValue } from "../../harness/envelope/index.ts";
import { secretIn, wordsOf } from "./answers.ts";
import { Findings, inconclusive, type Outcome } from "./check.ts";
import { flipped, regionsOf } from "./regions.ts";
import type { EncryptingKind, SampleSecret, SecuritySubject } from "./security-subject.ts";

const blockBytes = 16;

/** Looks whether the API server refuses values of which a byte in one of their regions is another. */
export async function tamperedIsRefused(subject: SecuritySubject, kind: EncryptingKind): Promise<Outcome> {
  const findings = new Findings();
  for (const secret of (await subject.samples(kind)).filter(isTamperProof)) {
    const own = await subject.readWith(secret, secret.stored);
    if (own.failure !== undefined) return inconclusive(`A value that was not changed was not read: ${wordsOf(own)}`);
    for (const { region, at } of regionsOf(secret.stored)) {
      const answer = await subject.readWith(secret, flipped(secret.stored, at));
      findings.add(answer.status === 500, {
        sent: `GET of a Secret of ${kind} of which one bit was changed, in the ${region}`,
        received: wordsOf(answer),
        expected: "HTTP 500",
      });
    }
  }
  return findings.outcome();
}

/**
 * Changes a block of aescbc's ciphertext that lies within the content of the Secret: that block becomes another, one bit of the next is turned,
 * and the form of the object is whole.
 */
export async function tamperedIsRead(subject: SecuritySubject): Promise<Outcome> {
  const findings = new Findings();
  for (const secret of await subject.samples("aescbc")) {
    const own = secretIn(await subject.readWith(secret, secret.stored));
    if (own === undefined) return inconclusive("A value that was not changed was not read.");
    // Behind the content stand at most 28 bytes: the type, two empty strings, and the padding.
    const answer = await subject.readWith(secret, flipped(secret.stored, secret.stored.length - 4 * blockBytes));
    const shown = secretIn(answer);
    const isOther = shown !== undefined && shown.value !== own.value;
    findings.add(isOther, {
      sent: "GET of a Secret of aescbc of which one bit of the ciphertext was changed",
      received: isOther ? "HTTP 200, with another content" : wordsOf(answer),
      expected: "HTTP 200, with another content: who can write to etcd can change a Secret, and aescbc does not notice",
    });
  }
  return findings.outcome();
}

/**
 * A payload of KMS v1 that is made of whole blocks is tried as the CBC of Kubernetes ≤ 1.24 once it does not authenticate, and one in 250 such is
 * read without an error (spec encryption-at-rest 1.2, fallback hazard).
 */
function isTamperProof({ stored }: SampleSecret): boolean {
  const value = parseStoredValue(stored);
  return value.kind !== "kms-v1" || value.payload.length % blockBytes !== 0;
}
