import { decodeObjectName, EnvelopeError } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { judgeOpened } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/object-name",
  title: "A value decrypts to a Kubernetes object whose namespace and name are those of its etcd key.",
  level: "MUST",
  invariants: ["AAD-02", "AAD-03"],
  source: "spec encryption-at-rest 0.2 and 0.3; k8s.io/apiserver pkg/storage/etcd3/store.go",
  needs: ["keys"],
  remedy:
    "A value was copied from another key, which aescbc, secretbox and KMS v1 of before 1.25 do not notice: guard etcd's write access, and restore the object.",
  run: (subject) =>
    judgeOpened(subject, {
      of: "encrypted values",
      part: ({ plaintext }) => plaintext,
      fault: (plaintext, { key }) => {
        try {
          const { namespace, name } = decodeObjectName(plaintext);
          const path = namespace === "" ? `/${name}` : `/${namespace}/${name}`;
          return name !== "" && key.endsWith(path) ? undefined : "it is an object of another name or namespace";
        } catch (thrown) {
          if (thrown instanceof EnvelopeError) return thrown.message;
          throw thrown;
        }
      },
      expected: "an object of the name and namespace with which the etcd key ends",
    }),
} satisfies Check<EnvelopeSubject>;
