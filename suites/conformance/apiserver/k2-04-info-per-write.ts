import { hexOf } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, notApplicable } from "../check.ts";
import { isBefore } from "../kubernetes-version.ts";

const writes = 50;
const infoBytes = 32;

export const check = {
  id: "apiserver/k2-04-info-per-write",
  title: "With KMS v2 no two writes share the info that their key is derived with.",
  level: "MUST",
  invariants: ["K2-04"],
  source: "spec encryption-at-rest 2.3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes_extended_nonce.go",
  needs: ["configure", "store"],
  remedy: "Do not use this API server: two writes under one key may repeat a nonce.",
  async run(subject) {
    if (isBefore(subject.kubernetesVersion, { minor: 29 })) return notApplicable("Before Kubernetes 1.29 no key is derived.");
    await using stage = await subject.shared("kms-v2");
    const { server } = stage;
    const infos = new Set<string>();
    for (let write = 0; write < writes; write++) {
      await server.succeed(write === 0 ? server.create("one", "value 0") : server.update("one", `value ${write}`));
      const { value } = await server.stored("one");
      if (value.kind === "kms-v2") infos.add(hexOf(value.object.encryptedData.subarray(0, infoBytes)));
    }
    const findings = new Findings();
    findings.add(infos.size === writes, {
      sent: `${writes} writes of one Secret`,
      received: `${infos.size} different infos`,
      expected: `${writes} different infos`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
