import { secretIn, wordsOf } from "./answers.ts";
import { Findings, inconclusive, type Outcome } from "./check.ts";
import type { EncryptingKind, SampleSecret, SecuritySubject } from "./security-subject.ts";

/** Looks whether the API server refuses a value that lies under another key than its own. */
export function movedIsRefused(subject: SecuritySubject, kind: EncryptingKind): Promise<Outcome> {
  return move(subject, kind, async (findings, { from, to }) => {
    const answer = await subject.readWith(to, from.stored);
    findings.add(answer.status === 500 && answer.failure?.includes("message authentication failed") === true, {
      sent: `GET of a Secret whose key got a copy of another's value, by ${kind}`,
      received: answer.failure === undefined ? `${wordsOf(answer)}: ${kind} did not bind the value to its key` : wordsOf(answer),
      expected: "HTTP 500 with: message authentication failed",
    });
  });
}

/** Looks whether the API server shows the one Secret under the other's name, as is known of the schemes that bind no key. */
export function movedIsRead(subject: SecuritySubject, kind: EncryptingKind): Promise<Outcome> {
  return move(subject, kind, async (findings, { from, to }) => {
    const own = secretIn(await subject.readWith(from, from.stored));
    const answer = await subject.readWith(to, from.stored);
    const shown = secretIn(answer);
    findings.add(shown !== undefined && shown.value === own?.value, {
      sent: `GET of a Secret whose key got a copy of another's value, by ${kind}`,
      received: shown?.value === own?.value ? `the other Secret: ${kind} does not bind a value to its key` : wordsOf(answer),
      expected: `the other Secret: who can write to etcd can give one Secret the value of another, and ${kind} does not notice`,
    });
  });
}

type Pair = Readonly<Record<"from" | "to", SampleSecret>>;

async function move(
  subject: SecuritySubject,
  kind: EncryptingKind,
  judge: (findings: Findings, pair: Pair) => Promise<void>,
): Promise<Outcome> {
  const samples = await subject.samples(kind);
  const findings = new Findings();
  for (const [index, from] of samples.slice(0, -1).entries()) {
    const to = samples[index + 1];
    if (to === undefined) break;
    const own = await subject.readWith(to, to.stored);
    if (own.failure !== undefined) return inconclusive(`A value under its own key was not read: ${wordsOf(own)}`);
    await judge(findings, { from, to });
  }
  return findings.outcome();
}
