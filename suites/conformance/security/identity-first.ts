import { type Check, Findings } from "../check.ts";
import { nameOf, secretProviders } from "../config-rule.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/identity-first",
  title: "The first provider of Secrets encrypts.",
  level: "MUST",
  invariants: ["FR-02"],
  source: "spec encryption-at-rest 0.4, 3",
  needs: [],
  remedy: "Put a KMS provider first, and rewrite every Secret. identity in front is for giving encryption up.",
  async run({ configuration: { of, encryption } }) {
    const [first] = secretProviders(encryption);
    const findings = new Findings();
    findings.add(first !== undefined && first.kind !== "identity", {
      sent: of,
      received:
        first === undefined
          ? "no provider for Secrets: every one is stored in plain text"
          : first.kind === "identity"
            ? "identity: every Secret that is written is stored in plain text, and what was encrypted becomes so at its next update"
            : `${nameOf(first)} first`,
      expected: "a provider that encrypts",
    });
    return findings.outcome();
  },
} satisfies Check<SecuritySubject>;
