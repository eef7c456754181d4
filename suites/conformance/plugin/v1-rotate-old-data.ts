import { type Check, Findings } from "../check.ts";
import { addOpensV1, addStillWorksV1, rotateV1, sealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-rotate-old-data",
  title: "What was encrypted before a rotation can be decrypted after it.",
  level: "MUST",
  invariants: ["K1-08"],
  source:
    "spec encryption-at-rest 1.6: KMS v1 knows no key_id, so nothing says which key a DEK needs; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1", "rotate"],
  remedy: "Keep old key versions, and find the right one from the ciphertext.",
  async run(subject) {
    const made = await sealedDek(subject);
    if ("verdict" in made) return made;
    const unrotated = await rotateV1(subject);
    if (unrotated !== undefined) return unrotated;
    const findings = new Findings();
    await addStillWorksV1(subject, findings);
    await addOpensV1(subject, findings, "from before the rotation", made);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
