import { type Check, Findings, inconclusive } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";
import { deviationMax, stringsMin, uniformityOf } from "../uniformity.ts";

export const check = {
  id: "security/random-uniform",
  title: "IVs, nonces and infos look drawn at random: their bits, their bytes, and what changes from one to the next.",
  level: "MUST",
  invariants: [],
  source: "spec encryption-at-rest 1.2, 2.3 and 3; NIST SP 800-22 sections 2.1 and 2.11 for the kind of test",
  needs: ["store"],
  remedy: "Look at the API server's source of randomness; a counter instead of a random nonce is what KMS v2 had before Kubernetes 1.29.",
  async run(subject) {
    const findings = new Findings();
    for (const { kind, what, strings } of await subject.randomParts()) {
      if (strings.length < stringsMin)
        return inconclusive(`${strings.length} writes of ${kind} are too few to judge; --writes makes more.`);
      const { bit, byteValues, change } = uniformityOf(strings);
      findings.add(Math.max(bit, byteValues, change) < deviationMax, {
        sent: `the ${what} of ${strings.length} Secrets that ${kind} wrote`,
        received: `the farthest bit ${bit.toFixed(1)} σ, the byte values ${byteValues.toFixed(1)} σ, the farthest change ${change.toFixed(1)} σ from chance`,
        expected: `each below ${deviationMax} σ`,
      });
    }
    return findings.outcome();
  },
} satisfies Check<SecuritySubject>;
