import { addHealth, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const bytesMax = 1024;

export const check = {
  id: "apiserver/k2-17-ciphertext-length",
  title: "With KMS v2 a rotation fails with a ciphertext that is empty or has 1025 bytes, and succeeds with one of 1024 bytes.",
  level: "MUST",
  invariants: ["K2-17"],
  source: "spec encryption-at-rest 2.2, 2.5; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "restart", "store", "clock"],
  remedy: "Keep ciphertexts within 1 to 1024 bytes, whatever this API server takes.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms, server } = started;
    const findings = new Findings();
    kms.keyId = "key-2";
    const answer = (bytes: number) => {
      kms.script = {
        encrypt: (honest) => ({ ...honest, ciphertext: Buffer.concat([honest.ciphertext, Buffer.alloc(bytesMax + 1)], bytes) }),
      };
    };
    for (const [bytes, says] of [
      [0, "failed to validate encrypted DEK source: encrypted DEK source is empty"],
      [
        bytesMax + 1,
        `failed to validate encrypted DEK source: encrypted DEK source is ${bytesMax + 1} bytes, which exceeds the max size of ${bytesMax}`,
      ],
    ] as const) {
      answer(bytes);
      await addHealth(findings, stage, started, { sent: `another key_id, and an Encrypt with a ciphertext of ${bytes} bytes`, says });
    }
    answer(bytesMax);
    await addHealth(findings, stage, started, { sent: `an Encrypt with a ciphertext of ${bytesMax} bytes` });
    await server.succeed(server.create("longest", "a value"));
    const { value } = await server.stored("longest");
    const length = value.kind === "kms-v2" ? value.object.encryptedDekSource.length : 0;
    findings.add(length === bytesMax, {
      sent: "a Secret after that",
      received: `stored with an encrypted seed of ${length} bytes`,
      expected: `stored with an encrypted seed of ${bytesMax} bytes`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
