import { type Check, Findings } from "../check.ts";
import { addFreshAcrossRestarts } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-restart-fresh",
  title: "Equal plaintexts give different ciphertexts across restarts, too.",
  level: "SHOULD",
  invariants: [],
  source: "NIST SP 800-38D, section 9.1: a nonce that is counted must not start again where power was lost",
  needs: ["kms-v1", "restart"],
  remedy: "Draw nonces at random: a counter in memory begins again with the process, and repeats nonces under the same key.",
  async run(subject) {
    const findings = new Findings();
    await addFreshAcrossRestarts(subject, findings, (seed) => subject.v1.encrypt(seed));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
