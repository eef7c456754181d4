import { EnvelopeError, openAesGcm } from "../../../harness/envelope/index.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

export const check = {
  id: "apiserver/k1-07-gcm",
  title: "With KMS v1 the payload is AES-256-GCM under the DEK, bound to the key of etcd.",
  level: "MUST",
  invariants: ["K1-07"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/server/options/encryptionconfig/config.go",
  needs: ["configure", "store"],
  remedy:
    "Compare the version of this API server with the one that was checked: before Kubernetes 1.25 payloads were CBC and bound to nothing.",
  async run(subject) {
    await using stage = await subject.shared("kms-v1");
    const { kms, server } = stage;
    await server.succeed(server.create("sealed", "a value"));
    const { value } = await server.stored("sealed");
    const findings = new Findings();
    for (const [whose, key, opens] of [
      ["its own key of etcd", server.keyOf("sealed"), true],
      ["another key", server.keyOf("other"), false],
    ] as const) {
      const problem =
        value.kind === "kms-v1" ? faultOf(() => openAesGcm(kms.open(value.edek), value.payload, Buffer.from(key))) : value.kind;
      findings.add((problem === undefined) === opens && value.kind === "kms-v1", {
        sent: `the stored payload, opened as AES-256-GCM with ${whose}`,
        received: problem === undefined ? "it opens" : `it does not open: ${problem}`,
        expected: opens ? "it opens" : "it does not open",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function faultOf(open: () => unknown): string | undefined {
  try {
    open();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return thrown.message;
    throw thrown;
  }
}
