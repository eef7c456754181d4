import { type Check, Findings } from "../check.ts";
import { judgeTls } from "../door-checks.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/tls-api-server",
  title: "The API server is reached by TLS 1.2 or later alone, with a certificate that its authority signed.",
  level: "MUST",
  invariants: [],
  source: "https://kubernetes.io/docs/concepts/security/controlling-access/#transport-security",
  needs: [],
  remedy: "Set --tls-cert-file, --tls-private-key-file and --tls-min-version=VersionTLS12.",
  async run({ doors: { apiServer } }) {
    const findings = new Findings();
    await judgeTls(findings, "the API server", apiServer);
    return findings.outcome();
  },
} satisfies Check<SecuritySubject>;
