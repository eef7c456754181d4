import { dekSourceTypes } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { judgeValues } from "../envelope-rules.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

const infoBytes = 32;
const gcmBytes = 28;

export const check = {
  id: "envelope/kms-v2-data",
  title: "The encryptedData of a KMS v2 value has room for its info, its nonce, its tag and a ciphertext.",
  level: "MUST",
  invariants: ["K2-01", "K2-03", "K2-28"],
  source: "spec encryption-at-rest 2.2 and 2.3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes_extended_nonce.go",
  needs: [],
  remedy:
    "kube-apiserver refuses to read such a value, and writes none: restore it from a backup, and find out who else writes to this etcd.",
  run: (subject) =>
    judgeValues(subject, {
      of: "values of KMS v2",
      part: ({ kmsV2 }) => kmsV2,
      fault: ({ encryptedData: { length }, encryptedDekSourceType }) => {
        const overhead = encryptedDekSourceType === dekSourceTypes.aesGcmKey ? gcmBytes : infoBytes + gcmBytes;
        if (length > overhead) return undefined;
        return length === 0 ? "encrypted data is empty" : `its encryptedData has ${length} bytes`;
      },
      expected: "an info of 32 bytes (not with the older AES_GCM_KEY), a nonce of 12, a ciphertext and a tag of 16",
    }),
} satisfies Check<EnvelopeSubject>;
