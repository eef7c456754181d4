import { goodResultMs } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const seedBytes = 32;

export const check = {
  id: "apiserver/k2-06-start",
  title: "With KMS v2 a start calls Status and then Encrypt, once each, for 32 bytes and with a UUID.",
  level: "MUST",
  invariants: ["K2-06"],
  source: "spec encryption-at-rest 2.5; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure"],
  remedy: "Measure the calls of this API server before you plan a quota for it.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const calls = stage.kms.calls.filter((call) => call.kms === "v2" && call.method !== "Decrypt");
    // A later Status is another health check's, for which the first result is good this long.
    const atStart = calls.filter(({ atMs }) => atMs < (calls[0]?.atMs ?? 0) + goodResultMs - 1000);
    const methods = atStart.map(({ method }) => method).join(", ");
    const encrypt = atStart.find(({ method }) => method === "Encrypt");
    const findings = new Findings();
    findings.add(methods === "Status, Encrypt", {
      sent: "a start with one KMS v2 provider",
      received: methods || "no call",
      expected: "Status, Encrypt",
    });
    findings.add(encrypt?.plaintext?.length === seedBytes && uuid.test(encrypt.uid), {
      sent: "the same",
      received: `Encrypt of ${encrypt?.plaintext?.length} bytes with the uid "${encrypt?.uid}"`,
      expected: `Encrypt of ${seedBytes} bytes with a random UUID`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
