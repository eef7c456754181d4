import { type EncryptedObject, encodeEncryptedObject, storedPrefix } from "../../../harness/envelope/index.ts";
import { wordsOf } from "../answers.ts";
import { kmsName, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

/** What is wrong with a stored value, and how the API server says it. */
const wrongs: readonly { readonly what: string; readonly body: (right: EncryptedObject) => Uint8Array; readonly says: string }[] = [
  { what: "encryptedDEKSourceType is 2", body: changed({ encryptedDekSourceType: 2 }), says: "unknown encryptedDEKSourceType: 2" },
  { what: "body has no bytes", body: () => new Uint8Array(0), says: "encrypted data is empty" },
  { what: "encryptedData is missing", body: changed({ encryptedData: new Uint8Array(0) }), says: "encrypted data is empty" },
  {
    what: "encryptedDEKSource is missing",
    body: changed({ encryptedDekSource: new Uint8Array(0) }),
    says: "failed to validate encrypted DEK source: encrypted DEK source is empty",
  },
  {
    what: "encryptedDEKSource has 1025 bytes",
    body: changed({ encryptedDekSource: new Uint8Array(1025) }),
    says: "failed to validate encrypted DEK source: encrypted DEK source is 1025 bytes, which exceeds the max size of 1024",
  },
  { what: "keyID is missing", body: changed({ keyId: "" }), says: "failed to validate key id: keyID is empty" },
  {
    what: "keyID has 1025 bytes",
    body: changed({ keyId: "k".repeat(1025) }),
    says: "failed to validate key id: keyID is 1025 bytes, which exceeds the max size of 1024",
  },
  {
    what: "annotation is named panda",
    body: changed({ annotations: new Map([["panda", Uint8Array.of(1)]]) }),
    says: 'failed to validate annotations: annotations: Invalid value: "panda": should be a domain with at least two segments separated by dots',
  },
  {
    what: "annotation has no name",
    body: changed({ annotations: new Map([["", Uint8Array.of(1)]]) }),
    says: "failed to validate annotations: annotations: Required value",
  },
  {
    what: "annotations have 32769 bytes",
    body: changed({ annotations: new Map([["a.test", new Uint8Array(32_769 - "a.test".length)]]) }),
    says: "failed to validate annotations: total size of annotations is 32769, which exceeds the max size of 32768",
  },
  {
    what: "body is no protobuf message",
    body: (right) => encodeEncryptedObject(right).subarray(0, 20),
    says: "cannot parse invalid wire-format data",
  },
  {
    what: "keyID is not UTF-8",
    // Its field once more, with one byte that begins no character.
    body: (right) => Buffer.concat([encodeEncryptedObject(right), Uint8Array.of(0x12, 1, 0xff)]),
    says: "string field contains invalid UTF-8",
  },
];

export const check = {
  id: "apiserver/k2-28-refused-values",
  title: "With KMS v2 a stored value that is malformed or breaks a limit is refused in the words that name the fault.",
  level: "MUST",
  invariants: ["K2-28"],
  source: "spec encryption-at-rest 2.2; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "restart", "store"],
  remedy: "Do not trust that this API server notices a broken value, nor that tools know its words for it.",
  async run(subject) {
    await using stage = await subject.stage();
    const { server } = await startWithKms(stage, "v2");
    await server.succeed(server.create("wrong", "a value"));
    const { bytes, value } = await server.stored("wrong");
    const findings = new Findings();
    if (value.kind !== "kms-v2") {
      findings.add(false, { sent: "a Secret", received: `a value of ${value.kind}`, expected: "a value of kms-v2" });
      return findings.outcome();
    }
    const prefix = Buffer.from(storedPrefix("kms-v2", kmsName));
    for (const { what, body, says } of wrongs) {
      await server.store.put(server.keyOf("wrong"), Buffer.concat([prefix, body(value.object)]), server.signal);
      const answer = await server.get("wrong");
      findings.add(answer.status === 500 && answer.failure?.replaceAll("\u00a0", " ").includes(says) === true, {
        sent: `GET of a Secret whose ${what}`,
        received: wordsOf(answer),
        expected: `HTTP 500 with: ${says}`,
      });
    }
    await server.store.put(server.keyOf("wrong"), bytes, server.signal);
    const restored = await server.get("wrong");
    findings.add(restored.failure === undefined, {
      sent: "GET of the Secret with the value that the API server stored",
      received: wordsOf(restored),
      expected: "HTTP 200",
    });
    return findings.outcome(wrongs.length + 1);
  },
} satisfies Check<ApiserverSubject>;

function changed(change: Partial<EncryptedObject>): (right: EncryptedObject) => Uint8Array {
  return (right) => encodeEncryptedObject({ ...right, ...change });
}
