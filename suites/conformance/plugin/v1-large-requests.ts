import { type Check, Findings } from "../check.ts";
import { attempt, ending, isRefusal } from "../plugin-calls.ts";
import { addStillWorksV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-large-requests",
  title: "A request of 64 KiB is served or refused, and the plugin goes on working.",
  level: "MUST",
  invariants: [],
  source: "good practice: no caller may end a plugin",
  needs: ["kms-v1"],
  remedy: "Limit the length of a plaintext and answer InvalidArgument.",
  async run(subject) {
    const findings = new Findings();
    const plain = subject.random.bytes(64 * 1024);
    const sealed = await attempt(subject.v1.encrypt(plain), subject);
    findings.add(sealed.isAnswered || isRefusal(sealed), {
      sent: "Encrypt of 64 KiB",
      received: ending(sealed),
      expected: "an answer or a refusal",
    });
    const opened = await attempt(subject.v1.decrypt(plain), subject);
    findings.add(isRefusal(opened), { sent: "Decrypt of 64 KiB that are no ciphertext", received: ending(opened), expected: "a refusal" });
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
