import { type Check, Findings, notApplicable } from "../check.ts";
import { addRefused, addStillWorks, openedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-annotations-changed",
  title: "Decrypt refuses annotations that were changed.",
  level: "SHOULD",
  invariants: [],
  source: "KEP-3299: annotations come back as they were given, and lie unprotected in etcd",
  needs: ["kms-v2"],
  remedy: "Bind annotations to the ciphertext as authenticated data.",
  async run(subject) {
    const made = await openedSeed(subject);
    if ("verdict" in made) return made;
    const { sealed } = made;
    if (sealed.annotations.size === 0) return notApplicable("The plugin gives no annotations.");
    const findings = new Findings();
    for (const [key, value] of sealed.annotations) {
      const changed =
        value.length === 0 ? Uint8Array.of(1) : Uint8Array.from(value, (byte, index) => (index === value.length - 1 ? byte ^ 1 : byte));
      await addRefused(subject, findings, `the annotation ${key} with one bit changed`, sealed, {
        annotations: new Map([...sealed.annotations, [key, changed]]),
      });
    }
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
