import type { Check } from "../check.ts";
import { movedIsRead } from "../moved-value.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/moved-secretbox",
  title: "Known of secretbox: a value that was copied to the key of another Secret is read there, unchanged.",
  level: "MUST",
  invariants: ["AAD-02"],
  source: "spec encryption-at-rest 0.3; k8s.io/apiserver pkg/storage/value/encrypt/secretbox/secretbox.go",
  needs: ["store"],
  remedy: "secretbox binds no value to its key. Use aesgcm or a KMS where somebody else can write to etcd.",
  run: (subject) => movedIsRead(subject, "secretbox"),
} satisfies Check<SecuritySubject>;
