import { newAesGcm, reloaded, secretsBy, startReloading } from "../apiserver-reload.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive } from "../check.ts";

export const check = {
  id: "apiserver/rl-04-cold-caches",
  title: "A reload asks each KMS v2 plugin for its Status and for one new seed, and forgets every DEK that it knew.",
  level: "MUST",
  invariants: ["RL-04"],
  source: "spec encryption-at-rest 2.6, 4.4; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "clock"],
  remedy: "Count a reload like a restart when the quota of the KMS is planned.",
  async run(subject) {
    await using stage = await subject.stage();
    const { kms, server, provider } = await startReloading(stage);
    await server.succeed(server.get("before"));
    const mark = kms.mark;
    const before = await server.metrics();
    await server.plane.changeEncryption(secretsBy(provider, newAesGcm()));
    if (!(await reloaded(stage, server, "success", before))) return inconclusive("The file was not loaded again.");
    const findings = new Findings();
    const encrypts = kms.since(mark, "Encrypt").length;
    const statuses = kms.since(mark, "Status").length;
    findings.add(encrypts === 1, { sent: "a file with one provider more behind", received: `${encrypts} Encrypt`, expected: "1 Encrypt" });
    findings.add(statuses >= 1, {
      sent: "the same file",
      received: `${statuses} Status`,
      expected: "1 Status, and those that were due anyway",
    });
    const cold = kms.mark;
    await server.succeed(server.get("before"));
    await server.succeed(server.get("before"));
    const decrypts = kms.since(cold, "Decrypt").length;
    findings.add(decrypts === 1, {
      sent: "two GETs of a Secret from before the reload",
      received: `${decrypts} Decrypt`,
      expected: "1 Decrypt",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
