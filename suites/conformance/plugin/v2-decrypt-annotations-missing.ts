import { type Check, Findings, notApplicable } from "../check.ts";
import { addRefused, addStillWorks, openedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-annotations-missing",
  title: "Decrypt refuses a ciphertext without the annotations that came with it.",
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
    await addRefused(subject, findings, "no annotations", sealed, { annotations: new Map() });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
