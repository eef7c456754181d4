import { sumOf } from "../../../harness/load/metrics.ts";
import { addHealth, kmsName, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const keyIdBytesMax = 1024;

export const check = {
  id: "apiserver/k2-16-key-id-length",
  title: "With KMS v2 a key_id that is empty or has 1025 bytes makes the API server unhealthy and is counted; one of 1024 bytes is used.",
  level: "MUST",
  invariants: ["K2-16"],
  source: "spec encryption-at-rest 2.2, 2.5, 5; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "restart", "store", "clock"],
  remedy: "Keep key_ids within 1 to 1024 bytes, whatever this API server takes.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms, server } = started;
    const findings = new Findings();
    for (const [bytes, error, says] of [
      [0, "empty", "keyID is empty"],
      [keyIdBytesMax + 1, "too_long", `keyID is ${keyIdBytesMax + 1} bytes, which exceeds the max size of ${keyIdBytesMax}`],
    ] as const) {
      kms.script = { status: (honest) => ({ ...honest, keyId: "k".repeat(bytes) }) };
      await addHealth(findings, stage, started, { sent: `a Status with a key_id of ${bytes} bytes`, says });
      const labels = { provider_name: kmsName, error };
      const counted = sumOf(await server.metrics(), "apiserver_envelope_encryption_invalid_key_id_from_status_total", labels);
      findings.add(counted > 0, {
        sent: "the same",
        received: `invalid_key_id_from_status_total{error="${error}"} ${counted}`,
        expected: "1 or more",
      });
    }
    kms.script = {};
    kms.keyId = "k".repeat(keyIdBytesMax);
    await addHealth(findings, stage, started, { sent: `a Status with a key_id of ${keyIdBytesMax} bytes` });
    await server.succeed(server.create("longest", "a value"));
    const { value } = await server.stored("longest");
    const length = value.kind === "kms-v2" ? value.object.keyId.length : 0;
    findings.add(length === keyIdBytesMax, {
      sent: "a Secret after that",
      received: `stored with a key_id of ${length} bytes`,
      expected: `stored with a key_id of ${keyIdBytesMax} bytes`,
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;
