import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";
import { tamperedIsRead } from "../tampered-value.ts";

export const check = {
  id: "security/tampered-aescbc",
  title: "Known of aescbc: a value whose ciphertext was changed is read as another Secret, without an error.",
  level: "MUST",
  invariants: [],
  source: "spec encryption-at-rest 3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: ["store"],
  remedy: "aescbc authenticates nothing. Use secretbox, aesgcm or a KMS where somebody else can write to etcd.",
  run: tamperedIsRead,
} satisfies Check<SecuritySubject>;
