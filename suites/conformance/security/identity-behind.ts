import { type Check, Findings, notApplicable } from "../check.ts";
import { nameOf, secretProviders } from "../config-rule.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/identity-behind",
  title: "Identity does not stand behind the providers of Secrets.",
  level: "SHOULD",
  invariants: ["FR-07"],
  source: "spec encryption-at-rest 3",
  needs: [],
  remedy: "Remove identity once every Secret was rewritten; until then it is needed to read those in plain text.",
  async run({ configuration: { of, encryption } }) {
    const [first, ...others] = secretProviders(encryption);
    if (first === undefined || first.kind === "identity") return notApplicable("Secrets are not encrypted.");
    const reads = others.some(({ kind }) => kind === "identity");
    const findings = new Findings();
    findings.add(!reads, {
      sent: of,
      received: reads
        ? "identity behind others: who can write to etcd can put a Secret there in plain text, and the API server takes it for its own"
        : [first, ...others].map(nameOf).join(", then "),
      expected: "no identity",
    });
    return findings.outcome();
  },
} satisfies Check<SecuritySubject>;
