import { type Check, Findings } from "../check.ts";
import { deadlineMs } from "../plugin-calls.ts";
import { timingsV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-latency-margin",
  title: "Nine of ten calls leave at least nine tenths of the deadline.",
  level: "SHOULD",
  invariants: [],
  source: "spec encryption-at-rest 1.4: every write of the cluster waits for one",
  needs: ["kms-v1"],
  remedy: "Keep a connection to the KMS open, or go to KMS v2, whose writes call nobody.",
  async run(subject) {
    const findings = new Findings();
    const { p90Ms, failed } = await timingsV1(subject);
    findings.add(failed === undefined && p90Ms < deadlineMs / 10, {
      sent: "up to 60 Encrypts and Decrypts, one after the other",
      received: failed ?? `nine of ten answers within ${p90Ms.toFixed(1)} ms`,
      expected: `within ${deadlineMs / 10} ms`,
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
