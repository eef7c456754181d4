import { type Check, Findings } from "../check.ts";
import { deadlineMs, timings } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-latency-margin",
  title: "Nine of ten calls leave at least nine tenths of the deadline.",
  level: "SHOULD",
  invariants: [],
  source: "good practice: a restart of an API server waits for Decrypts, a KMS has bad days",
  needs: ["kms-v2"],
  remedy: "Keep a connection to the KMS open, and cache what may be cached.",
  async run(subject) {
    const findings = new Findings();
    const { p90Ms, failed } = await timings(subject);
    findings.add(failed === undefined && p90Ms < deadlineMs / 10, {
      sent: "up to 60 calls of each method, one after the other",
      received: failed ?? `nine of ten answers within ${p90Ms.toFixed(1)} ms`,
      expected: `within ${deadlineMs / 10} ms`,
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
