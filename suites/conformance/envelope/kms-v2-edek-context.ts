import { dekSourceId } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { fingerprint, judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/kms-v2-edek-context",
  title: "Values of KMS v2 that share an encrypted DEK source have the same key_id, annotations and type beside it.",
  level: "MUST",
  invariants: ["K2-05", "K2-18", "K2-19"],
  source: "spec encryption-at-rest 2.5 and 2.6; k8s.io/apiserver pkg/storage/value/encrypt/envelope/kmsv2/envelope.go",
  needs: [],
  remedy:
    "They are parts of one answer of the plugin: where they differ the plugin may refuse to decrypt. Find out who else writes to this etcd.",
  async run(subject) {
    const contextOf = new Map<string, string>();
    return judgeValues(subject, {
      of: "values of KMS v2",
      part: ({ whole }) => (whole?.kind === "kms-v2" ? whole.object : undefined),
      fault: (object) => {
        const edek = fingerprint(object.encryptedDekSource);
        const context = dekSourceId(object);
        const first = contextOf.get(edek) ?? context;
        contextOf.set(edek, first);
        return first === context
          ? undefined
          : "its key_id, annotations or type are not those of another value with this encrypted DEK source";
      },
      expected: "what the plugin answered together is stored together",
    });
  },
} satisfies Check<EnvelopeSubject>;
