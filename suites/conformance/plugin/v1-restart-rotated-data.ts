import { type Check, Findings } from "../check.ts";
import { addOpensV1, addStillWorksV1, rotateV1, sealedDek } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-restart-rotated-data",
  title: "A restart behind a rotation loses neither the old key nor the new one.",
  level: "MUST",
  invariants: ["K1-08"],
  source:
    "spec encryption-at-rest 1.6, 7: data of both keys lies in etcd, and a restart of an API server decrypts every DEK; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["kms-v1", "rotate", "restart"],
  remedy: "Write a new key down before you encrypt with it, beside the old ones.",
  async run(subject) {
    const old = await sealedDek(subject);
    if ("verdict" in old) return old;
    const unrotated = await rotateV1(subject);
    if (unrotated !== undefined) return unrotated;
    const fresh = await sealedDek(subject);
    if ("verdict" in fresh) return fresh;
    await subject.restart();
    const findings = new Findings();
    await addOpensV1(subject, findings, "from before the rotation and the restart", old);
    await addOpensV1(subject, findings, "from between the rotation and the restart", fresh);
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
