import { type Check, Findings } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/random-unique",
  title: "No two writes of a provider have the same IV, nonce or info.",
  level: "MUST",
  invariants: ["LP-02", "LP-03", "K2-04"],
  source: "spec encryption-at-rest 1.2, 2.3 and 3; NIST SP 800-38D section 8",
  needs: ["store"],
  remedy:
    "Under one key a nonce that comes twice gives away both plaintexts: rotate the key, and look at the API server's source of randomness.",
  async run(subject) {
    const findings = new Findings();
    for (const { kind, what, strings } of await subject.randomParts()) {
      const different = new Set(strings.map((string) => Buffer.from(string).toString("latin1"))).size;
      findings.add(different === strings.length, {
        sent: `${strings.length} Secrets that ${kind} wrote`,
        received: different === strings.length ? `as many different values of ${what}` : `${different} different values of ${what}`,
        expected: `no ${what} twice`,
      });
    }
    return findings.outcome();
  },
} satisfies Check<SecuritySubject>;
