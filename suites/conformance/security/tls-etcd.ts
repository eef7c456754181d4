import { type Check, Findings } from "../check.ts";
import { judgeTls, judgeWithoutCertificate } from "../door-checks.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/tls-etcd",
  title: "etcd is reached by TLS 1.2 or later alone, by clients with a certificate of its authority.",
  level: "MUST",
  invariants: [],
  source: "https://etcd.io/docs/v3.6/op-guide/security/",
  needs: ["disk"],
  remedy: "Set etcd's --client-cert-auth, --trusted-ca-file, --cert-file and --key-file: who can read etcd sees which Secrets there are.",
  async run({ doors: { etcd } }) {
    const findings = new Findings();
    if (etcd !== undefined) {
      await judgeTls(findings, "etcd", etcd);
      await judgeWithoutCertificate(findings, "etcd", etcd);
    }
    return findings.outcome();
  },
} satisfies Check<SecuritySubject>;
