import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { reseal } from "../offline.ts";
import { addUntouched } from "../untouched.ts";

export const check = {
  id: "apiserver/k2-22-other-ciphertext",
  title: "With KMS v2 a Secret under another seed of the same key_id is not stale: an update that changes nothing leaves it as it is.",
  level: "MUST",
  invariants: ["K2-22"],
  source: "spec encryption-at-rest 2.7; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "store"],
  remedy: "Expect a storage migration on this API server to write more than what is under old key_ids.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const { server } = stage;
    await server.succeed(server.create("sealed", "a value"));
    await reseal(stage, "sealed", "kms-v2");
    const findings = new Findings();
    await addUntouched(findings, server, "sealed", "a Secret under another seed of the same key_id");
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
