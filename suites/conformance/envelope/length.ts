import { storedLength, storedShape } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { judgeOpened } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/length",
  title: "A stored value is as long as its format makes it of its plaintext, to the byte.",
  level: "MUST",
  invariants: ["SZ-01"],
  source: "spec encryption-at-rest 1.2, 2.4 and 3",
  needs: ["keys"],
  remedy: "There are bytes that kube-apiserver did not write, or some are missing: find out who else writes to this etcd.",
  run: (subject) =>
    judgeOpened(subject, {
      of: "encrypted values",
      part: ({ value, legacy, plaintext }, { bytes }) => ({
        found: bytes.length,
        right: storedLength(storedShape(value, { legacy }), plaintext.length),
      }),
      fault: ({ found, right }) => (found === right ? undefined : `it has ${found} bytes, of a plaintext that makes ${right}`),
      expected: "the length that follows from the format, the names and the plaintext's length",
    }),
} satisfies Check<EnvelopeSubject>;
