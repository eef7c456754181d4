import { dekSourceTypes } from "../../../harness/envelope/index.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { isBefore } from "../kubernetes-version.ts";

export const check = {
  id: "apiserver/k2-02-source-type",
  title: "With KMS v2 Kubernetes 1.29 and later store that the DEK source is a seed, 1.28 that it is the DEK itself.",
  level: "MUST",
  invariants: ["K2-02"],
  source: "spec encryption-at-rest 2.2, 2.8; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go (gate KMSv2KDF)",
  needs: ["configure", "store"],
  remedy: "Look at the gate KMSv2KDF of this API server: a DEK that is used as it is wears out.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const { server } = stage;
    await server.succeed(server.create("one", "a value"));
    const { value } = await server.stored("one");
    const { aesGcmKey, hkdfSha256XnonceAesGcmSeed } = dekSourceTypes;
    const expected = isBefore(subject.kubernetesVersion, { minor: 29 }) ? aesGcmKey : hkdfSha256XnonceAesGcmSeed;
    const type = value.kind === "kms-v2" ? value.object.encryptedDekSourceType : undefined;
    const findings = new Findings();
    findings.add(type === expected, {
      sent: `a Secret, to ${subject.kubernetesVersion}`,
      received: type === undefined ? `a value of ${value.kind}` : `encryptedDEKSourceType ${type}`,
      expected: `encryptedDEKSourceType ${expected}`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
