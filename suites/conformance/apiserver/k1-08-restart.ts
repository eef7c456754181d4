import { startWithKms, workSince } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const secrets = 25;

export const check = {
  id: "apiserver/k1-08-restart",
  title: "With KMS v1 a restart calls Decrypt once for each stored Secret.",
  level: "MUST",
  invariants: ["K1-08"],
  source: "spec encryption-at-rest 7; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["configure", "restart"],
  remedy: "Measure the calls of this API server before you plan a quota and a recovery time for it.",
  async run(subject) {
    await using stage = await subject.stage();
    const { kms, server } = await startWithKms(stage, "v1");
    for (let index = 0; index < secrets; index++) await server.succeed(server.create(`cold-${index}`, `value ${index}`));
    const { mark } = kms;
    await server.restart();
    // Answered from the watch cache, once that has read everything.
    await server.succeed(server.list());
    const decrypts = workSince(kms, mark, "Decrypt").length;
    const findings = new Findings();
    findings.add(decrypts === secrets, {
      sent: `a restart with ${secrets} Secrets in etcd`,
      received: `${decrypts} Decrypt calls`,
      expected: `${secrets} Decrypt calls`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
