import { type Check, Findings } from "../check.ts";
import { addRefused, addStillWorks, openedSeed } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-decrypt-empty-keyid",
  title: "Decrypt refuses an empty key_id, and the plugin goes on working.",
  level: "SHOULD",
  invariants: [],
  source: "KEP-3299: kube-apiserver stores no object without a key_id",
  needs: ["kms-v2"],
  remedy: "Answer InvalidArgument.",
  async run(subject) {
    const made = await openedSeed(subject);
    if ("verdict" in made) return made;
    const { sealed } = made;
    const findings = new Findings();
    await addRefused(subject, findings, "an empty key_id", sealed, { keyId: "" });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
