import { Findings, type Outcome } from "./check.ts";
import type { GuardedFile, SecuritySubject } from "./security-subject.ts";

const othersBits = 0o077;

/** Looks whether anybody but the owner may do anything with the files of a kind. */
export async function judgeModes(subject: SecuritySubject, holds: GuardedFile["holds"]): Promise<Outcome> {
  const findings = new Findings();
  for (const { name, mode } of (await subject.guardedFiles()).filter((file) => file.holds === holds)) {
    findings.add((mode & othersBits) === 0, {
      sent: `the mode of ${name}`,
      received: `0${mode.toString(8)}`,
      expected: "nothing for the group and for others",
    });
  }
  return findings.outcome();
}
