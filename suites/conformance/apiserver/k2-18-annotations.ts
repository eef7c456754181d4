import { addHealth, hexOf, startWithKms } from "../apiserver-kms.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { type Check, Findings } from "../check.ts";

const totalBytesMax = 32_768;
const name = "annotation.kmsmark.test";
/** Values are anything, nothing included. */
const others: ReadonlyMap<string, Uint8Array> = new Map([
  ["bytes.kmsmark.test", Uint8Array.from({ length: 256 }, (_, index) => index)],
  ["empty.kmsmark.test", new Uint8Array(0)],
]);

export const check = {
  id: "apiserver/k2-18-annotations",
  title:
    "With KMS v2 annotations are named by domains and have 32768 bytes at most, else a rotation fails; Decrypt gets them back as they were.",
  level: "MUST",
  invariants: ["K2-18"],
  source: "spec encryption-at-rest 2.2, 2.5; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: ["configure", "restart", "store", "clock"],
  remedy: "Name annotations like `version.plugin.example.com` and keep them small, whatever this API server takes.",
  async run(subject) {
    await using stage = await subject.stage();
    const started = await startWithKms(stage, "v2");
    const { kms, server } = started;
    const findings = new Findings();
    kms.keyId = "key-2";
    for (const [what, annotations, says] of [
      ["named panda", new Map([["panda", Uint8Array.of(1)]]), "should be a domain with at least two segments separated by dots"],
      ["named Big.example.com", new Map([["Big.example.com", Uint8Array.of(1)]]), "a lowercase RFC 1123 subdomain must consist of"],
      [
        `of ${totalBytesMax + 1} bytes`,
        ofTotal(totalBytesMax + 1),
        `total size of annotations is ${totalBytesMax + 1}, which exceeds the max size of ${totalBytesMax}`,
      ],
    ] as const) {
      kms.annotations = annotations;
      await addHealth(findings, stage, started, { sent: `another key_id, and an Encrypt with annotations ${what}`, says });
    }
    kms.annotations = ofTotal(totalBytesMax);
    await addHealth(findings, stage, started, { sent: `an Encrypt with annotations of ${totalBytesMax} bytes` });

    await server.succeed(server.create("annotated", "a value"));
    const { value } = await server.stored("annotated");
    const isStored = value.kind === "kms-v2" && isSame(value.object.annotations, kms.annotations);
    findings.add(isStored, {
      sent: "a Secret after that",
      received: `stored with ${isStored ? "these" : "other"} annotations`,
      expected: "stored with these annotations",
    });
    const { mark } = kms;
    await server.restart();
    await server.succeed(server.get("annotated"));
    const decrypts = kms.since(mark, "Decrypt");
    const echoed = decrypts.filter(({ annotations }) => isSame(annotations, kms.annotations)).length;
    findings.add(decrypts.length > 0 && echoed === decrypts.length, {
      sent: "a restart, and GET of this Secret",
      received: `${decrypts.length} Decrypt, ${echoed} with these annotations`,
      expected: "1 Decrypt or more, all with these annotations",
    });
    return findings.outcome();
  },
} satisfies Check<ApiserverSubject>;

/** Names and values together have so many bytes. */
function ofTotal(bytes: number): ReadonlyMap<string, Uint8Array> {
  const taken = [...others].reduce((sum, [key, value]) => sum + key.length + value.length, name.length);
  return new Map([...others, [name, new Uint8Array(bytes - taken).fill(7)]]);
}

function isSame(one: ReadonlyMap<string, Uint8Array>, other: ReadonlyMap<string, Uint8Array>): boolean {
  return one.size === other.size && [...one].every(([key, value]) => other.has(key) && hexOf(value) === hexOf(other.get(key)));
}
