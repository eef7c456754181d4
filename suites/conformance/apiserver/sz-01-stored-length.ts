import { type StoredShape, type StoredValue, storedLength } from "../../../harness/envelope/index.ts";
import { type ApiserverSubject, sharedProviders } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";
import { openOffline } from "../offline.ts";

/** On both sides of where a length of KMS v2 takes one byte more. */
const valueBytes = [1, 16, 1000, 16_000, 16_500];

export const check = {
  id: "apiserver/sz-01-stored-length",
  title: "A stored value is as long as its provider's formula says for its plaintext.",
  level: "MUST",
  invariants: ["SZ-01"],
  source: "spec encryption-at-rest 1.2, 2.4, 3",
  needs: ["configure", "store"],
  remedy: "Plan etcd's size by measuring: the formulae do not hold for this API server.",
  async run(subject) {
    const findings = new Findings();
    for (const provider of sharedProviders) {
      await using stage = await subject.shared(provider);
      const { server } = stage;
      for (const length of valueBytes) {
        const name = `of-${length}`;
        await server.succeed(server.create(name, "x".repeat(length)));
        const { bytes, value } = await server.stored(name);
        const plaintext = openOffline(stage, value, server.keyOf(name)).length;
        const expected = storedLength(shapeOf(value), plaintext);
        findings.add(value.kind === provider && bytes.length === expected && plaintext > length, {
          sent: `a Secret with a value of ${length} bytes, with ${provider} as the first provider`,
          received: `${bytes.length} bytes in etcd for ${plaintext} of plaintext, by ${value.kind}`,
          expected: `${expected} bytes`,
        });
      }
    }
    return findings.outcome(sharedProviders.length * valueBytes.length);
  },
} satisfies Check<ApiserverSubject>;

function shapeOf(value: StoredValue): StoredShape {
  switch (value.kind) {
    case "identity":
      return { kind: value.kind };
    case "kms-v1":
      return { kind: value.kind, nameLength: value.providerName.length, edekLength: value.edek.length };
    case "kms-v2": {
      const { keyId, encryptedDekSource, annotations } = value.object;
      const annotationLengths = [...annotations].map(([key, { length }]) => [key.length, length] as const);
      const lengths = { nameLength: value.providerName.length, keyIdLength: keyId.length, edekLength: encryptedDekSource.length };
      return { kind: value.kind, ...lengths, annotationLengths, type: 1 };
    }
    default:
      return { kind: value.kind, nameLength: value.keyName.length };
  }
}
