import { workSince } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const writes = 20;
const dekBytes = 32;

export const check = {
  id: "apiserver/k1-02-dek-per-write",
  title: "With KMS v1 each write encrypts a DEK of 32 bytes that no other write has.",
  level: "MUST",
  invariants: ["K1-02"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["configure"],
  remedy: "Do not use this API server: a DEK that is used again gives away what it encrypts.",
  async run(subject) {
    await using stage = await subject.shared("kms-v1");
    const { kms, server } = stage;
    const { mark } = kms;
    await server.succeed(server.create("dek", "value 1"));
    for (let write = 2; write <= writes; write++) await server.succeed(server.update("dek", `value ${write}`));
    const plaintexts = workSince(kms, mark, "Encrypt").map(({ plaintext }) => plaintext);
    const lengths = new Set(plaintexts.map((plaintext) => plaintext?.length));
    const distinct = new Set(plaintexts.map((plaintext) => plaintext?.sha256)).size;
    const findings = new Findings();
    findings.add(plaintexts.length > 0 && [...lengths].every((length) => length === dekBytes), {
      sent: `${writes} writes of one Secret`,
      received: `${plaintexts.length} Encrypt calls with plaintexts of ${[...lengths].join(", ")} bytes`,
      expected: `plaintexts of ${dekBytes} bytes`,
    });
    // A PUT whose first attempt met an older object in the cache is tried again, with another DEK.
    findings.add(distinct >= writes && distinct === plaintexts.length, {
      sent: `${writes} writes of one Secret`,
      received: `${distinct} different plaintexts in ${plaintexts.length} Encrypt calls`,
      expected: `${writes} different plaintexts or more, no two calls with the same`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
