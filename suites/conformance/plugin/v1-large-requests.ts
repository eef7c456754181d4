import { type Check, Findings } from "../check.ts";
import { attempt, ending, isRefusal } from "../plugin-calls.ts";
import { addStillWorksV1 } from "../plugin-calls-v1.ts";
import { addLivesOn, watchConnection } from "../plugin-connection-watch.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-large-requests",
  title: "A request of 64 KiB is served or refused, and the plugin lives on.",
  level: "MUST",
  invariants: [],
  source: "good practice: no caller may end a plugin; spec encryption-at-rest 1.2: a stored ciphertext may have 65535 bytes",
  needs: ["kms-v1"],
  remedy: "Limit the length of a plaintext and answer InvalidArgument.",
  async run(subject) {
    const findings = new Findings();
    using watch = await watchConnection(subject.socket);
    const large = subject.random.bytes(64 * 1024);
    for (const [what, call] of [
      ["Encrypt of 64 KiB", () => subject.v1.encrypt(large)],
      ["Decrypt of 64 KiB that are no ciphertext", () => subject.v1.decrypt(large)],
    ] as const) {
      const result = await attempt(call(), subject);
      findings.add(result.isAnswered || isRefusal(result), { sent: what, received: ending(result), expected: "an answer or a refusal" });
    }
    await addStillWorksV1(subject, findings);
    addLivesOn(findings, watch);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
