import { rotate, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings, inconclusive } from "../check.ts";
import { rewriteFindings } from "../rewrite.ts";
import { addUntouched } from "../untouched.ts";

export const check = {
  id: "apiserver/k2-23-key-returns",
  title: "With KMS v2, when a key_id comes back, what was written under it is not stale, although the seed is a new one.",
  level: "MUST",
  invariants: ["K2-23"],
  source: "spec encryption-at-rest 2.5, 2.7; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "restart", "store", "clock"],
  remedy: "Never let a plugin use a key_id again: no migration finds what was written under it before.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms, server } = started;
    const first = kms.keyId;
    await server.succeed(server.create("under-first", "a value"));
    for (const [keyId, name] of [
      ["key-2", "under-second"],
      [first, "under-first-again"],
    ] as const) {
      if (!(await rotate(stage, started, keyId)))
        return inconclusive("The API server did not notice a rotation, which k2-09-rotation judges.");
      await server.succeed(server.create(name, "a value"));
    }
    const findings = new Findings();
    await addUntouched(findings, server, "under-first", "a Secret under the first key_id, after another one and then the first again");
    await rewriteFindings(findings, server, { name: "under-second", before: "kms-v2 under the key_id between", after: "kms-v2" });
    const seeds = new Set<string>();
    for (const name of ["under-first", "under-second", "under-first-again"]) {
      const { value } = await server.stored(name);
      if (value.kind === "kms-v2") seeds.add(Buffer.from(value.object.encryptedDekSource).toString("hex"));
    }
    const encrypts = kms.since(0, "Encrypt").length;
    findings.add(encrypts === 3 && seeds.size === 2, {
      sent: "the same",
      received: `${encrypts} Encrypt since the start; ${seeds.size} seeds in etcd after the PUT of all`,
      expected: "3 Encrypt; 2 seeds: the first one and the third",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
