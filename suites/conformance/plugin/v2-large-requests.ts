import { type Check, Findings } from "../check.ts";
import { addStillWorks, attempt, encrypt, ending, isRefusal } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-large-requests",
  title: "A request of 64 KiB is served or refused, and the plugin goes on working.",
  level: "MUST",
  invariants: [],
  source: "k8s.io/apiserver; good practice: no caller may end a plugin",
  needs: ["kms-v2"],
  remedy: "Limit the length of a plaintext and answer InvalidArgument.",
  async run(subject) {
    const findings = new Findings();
    const plaintext = subject.random.bytes(64 * 1024);
    const sealed = await attempt(encrypt(subject.v2, plaintext), subject);
    findings.add(sealed.isAnswered || isRefusal(sealed), {
      sent: "Encrypt of 64 KiB",
      received: ending(sealed),
      expected: "an answer or a refusal",
    });
    const opened = await attempt(
      subject.v2.decrypt({ ciphertext: plaintext, keyId: "k".repeat(1024), annotations: new Map(), uid: "large" }),
      subject,
    );
    findings.add(isRefusal(opened), { sent: "Decrypt of 64 KiB that are no ciphertext", received: ending(opened), expected: "a refusal" });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
