import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

const calls = 16;

export const check = {
  id: "plugin/v1-restart-fresh",
  title: "Equal plaintexts give different ciphertexts across restarts, too.",
  level: "SHOULD",
  invariants: [],
  source: "NIST SP 800-38D, section 9.1: a nonce that is counted must not start again where power was lost",
  needs: ["kms-v1", "restart"],
  remedy: "Draw nonces at random: a counter in memory begins again with the process, and repeats nonces under the same key.",
  async run(subject) {
    const seed = subject.random.bytes(seedLength);
    const seen = new Set<string>();
    // Both times from the start of a process on, because that is where a counter begins.
    for (let start = 0; start < 2; start++) {
      await subject.restart();
      for (let call = 0; call < calls; call++) seen.add(Buffer.from(await subject.v1.encrypt(seed)).toString("base64"));
    }
    const findings = new Findings();
    findings.add(seen.size === 2 * calls, {
      sent: `${calls} Encrypts of the same 32 bytes after one restart, and as many after another`,
      received: `${seen.size} different ciphertexts`,
      expected: String(2 * calls),
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
