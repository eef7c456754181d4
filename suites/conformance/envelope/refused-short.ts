import { buildStoredValue } from "../../../harness/envelope/index.ts";
import type { Check } from "../check.ts";
import { apiRefuses } from "../envelope-cross-read.ts";
import type { LocalKind } from "../envelope-keyring.ts";
import type { PlaneKeys } from "../envelope-plane.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

export const check = {
  id: "envelope/refused-short",
  title: "The API server does not read a local provider's value that is too short or not whole.",
  level: "MUST",
  invariants: ["LP-01", "LP-02", "LP-03"],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/",
  needs: ["configure"],
  remedy: "kube-apiserver refuses such values: an API server that reads them is another, or kmsmark's codec is wrong.",
  run: (subject) =>
    apiRefuses(subject, [
      {
        what: "a value of aescbc of 15 bytes",
        seal: (keys) => ofLength(keys, "aescbc", 15),
        message: "the stored data was shorter than the required size",
      },
      {
        what: "a value of aescbc of 47 bytes",
        seal: (keys) => ofLength(keys, "aescbc", 47),
        message: "the stored data is not a multiple of the block size",
      },
      {
        what: "a value of aesgcm of 11 bytes",
        seal: (keys) => ofLength(keys, "aesgcm", 11),
        message: "the stored data was shorter than the required size",
      },
      {
        what: "a value of secretbox of 39 bytes",
        seal: (keys) => ofLength(keys, "secretbox", 39),
        message: "the stored data was shorter than the required size",
      },
    ]),
} satisfies Check<EnvelopeSubject>;

function ofLength({ localKey }: PlaneKeys, kind: LocalKind, length: number): Uint8Array {
  return buildStoredValue({ kind, keyName: localKey.name, body: new Uint8Array(length) });
}
