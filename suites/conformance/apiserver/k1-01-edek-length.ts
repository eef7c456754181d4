import { EnvelopeError, parseKmsV1Body, splitStoredValue } from "../../../harness/envelope/index.ts";
import { hexOf, workSince } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

/** Up to what two bytes can tell; at 256 the first of them changes. */
const edekBytes = [92, 255, 256, 65_535];

export const check = {
  id: "apiserver/k1-01-edek-length",
  title:
    "With KMS v1 a stored value has the length of the encrypted DEK in two bytes, high byte first, and then exactly what the plugin gave.",
  level: "MUST",
  invariants: ["K1-01"],
  source: "spec encryption-at-rest 1.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/envelope.go",
  needs: ["configure", "store"],
  remedy: "Compare the version of this API server with the one that was checked: its values cannot be decrypted elsewhere.",
  async run(subject) {
    await using stage = await subject.shared("kms-v1");
    const { kms, server } = stage;
    const findings = new Findings();
    try {
      for (const length of edekBytes) {
        kms.script = { encryptV1: (honest) => Buffer.concat([honest, Buffer.alloc(length - honest.length)]) };
        const { mark } = kms;
        await server.succeed(server.create(`edek-${length}`, "a value"));
        const given = workSince(kms, mark, "Encrypt").at(-1)?.ciphertext;
        const { bytes } = await server.raw(`edek-${length}`);
        const edek = edekOf(bytes, stage.names["kms-v1"]);
        const isSame = edek !== undefined && hexOf(edek) === hexOf(given);
        findings.add(isSame && edek.length === length, {
          sent: `a Secret whose DEK the plugin encrypts to ${length} bytes`,
          received: `a length of ${edek?.length ?? "more than there is"}, and behind it ${isSame ? "the plugin's ciphertext" : "other bytes"}`,
          expected: `a length of ${length}, and behind it the plugin's ciphertext`,
        });
      }
    } finally {
      kms.script = {};
      // Nobody can decrypt a ciphertext that has zeros behind it.
      for (const length of edekBytes) await server.store.delete(server.keyOf(`edek-${length}`), server.signal);
    }
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

/** Undefined where the value is shorter than its length says. */
function edekOf(bytes: Uint8Array, name: string): Uint8Array | undefined {
  try {
    return parseKmsV1Body(splitStoredValue(bytes, [name]).body).edek;
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return undefined;
    throw thrown;
  }
}
