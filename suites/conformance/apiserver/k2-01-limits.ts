import { EnvelopeError, parseStoredValue } from "../../../harness/envelope/index.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const valueBytes = [0, 1, 1000, 100_000];

export const check = {
  id: "apiserver/k2-01-limits",
  title: "With KMS v2 the body of a stored value is an EncryptedObject that keeps every limit.",
  level: "MUST",
  invariants: ["K2-01"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go, kmsv2/v2/api.proto",
  needs: ["configure", "store"],
  remedy: "Do not trust that another API server can read what this one stores.",
  async run(subject) {
    await using stage = await subject.shared("kms-v2");
    const { names, server } = stage;
    const findings = new Findings();
    for (const length of valueBytes) {
      await server.succeed(server.create(`of-${length}`, "x".repeat(length)));
      const { bytes } = await server.raw(`of-${length}`);
      const said = descriptionOf(bytes, names["kms-v2"]);
      findings.add(said.isRight, {
        sent: `a Secret with a value of ${length} bytes`,
        received: said.words,
        expected: "an EncryptedObject with data, a key_id of 1 to 1024 bytes and an encrypted DEK source of 1 to 1024 bytes",
      });
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

function descriptionOf(bytes: Uint8Array, name: string): { readonly isRight: boolean; readonly words: string } {
  try {
    const value = parseStoredValue(bytes, [name]);
    if (value.kind !== "kms-v2") return { isRight: false, words: `a value of ${value.kind}` };
    const { encryptedData, keyId, encryptedDekSource, annotations } = value.object;
    const lengths = `${encryptedData.length} bytes of data, a key_id of ${keyId.length}, an encrypted DEK source of ${encryptedDekSource.length}`;
    return { isRight: true, words: `${lengths}, ${annotations.size} annotation(s)` };
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return { isRight: false, words: thrown.message };
    throw thrown;
  }
}
