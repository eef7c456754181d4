import { KmsCallError } from "../../../harness/kms/contract.ts";
import { hexOf, startWithKms, unavailable } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { addProbePace } from "../probe-pace.ts";

export const check = {
  id: "apiserver/k1-09-probe",
  title: "The health probe of KMS v1 encrypts `ping` and decrypts what came of it, at most every 20 s, or every 3 s while that fails.",
  level: "MUST",
  invariants: ["K1-09"],
  source: "spec encryption-at-rest 1.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "restart", "clock"],
  remedy: "Count what health probes call on this API server before you plan a quota for it.",
  async run(subject) {
    await using stage = await subject.stage();
    const server = await startWithKms(stage, "v1");
    const { kms } = server;
    const findings = new Findings();
    let hasFailed = kms.mark;
    await addProbePace(findings, stage, server, {
      method: "Encrypt",
      calls: () => kms.since(0, "Encrypt"),
      fail: () => {
        hasFailed = kms.mark;
        kms.script = {
          encryptV1: () => {
            throw new KmsCallError(unavailable, "the KMS is gone");
          },
        };
      },
    });
    const encrypts = kms.since(0, "Encrypt");
    findings.add(
      encrypts.every(({ plaintext }) => plaintext?.isPing === true),
      {
        sent: "nothing but requests for the health endpoint",
        received: `${encrypts.filter(({ plaintext }) => plaintext?.isPing === true).length} of ${encrypts.length} Encrypt calls with the word ping`,
        expected: "all of them",
      },
    );
    const good = kms.calls.slice(0, hasFailed).filter(({ method }) => method === "Encrypt");
    const decrypted = kms.since(0, "Decrypt").map(({ ciphertext }) => hexOf(ciphertext));
    const expected = good.map(({ ciphertext }) => hexOf(ciphertext));
    findings.add(decrypted.join() === expected.join(), {
      sent: "the same",
      received: `${decrypted.length} Decrypt calls for ${good.length} ciphertexts`,
      expected: "one Decrypt of each ciphertext that a probe was given",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
