import type { Check } from "../check.ts";
import { movedIsRefused } from "../moved-value.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/moved-kms-v2",
  title: "A value of kms-v2 that was copied to the key of another Secret is not read there.",
  level: "MUST",
  invariants: ["AAD-01"],
  source: "spec encryption-at-rest 0.3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: ["kms-v2", "store"],
  remedy: "kube-apiserver authenticates the key of etcd with each value: one that reads a moved value is another.",
  run: (subject) => movedIsRefused(subject, "kms-v2"),
} satisfies Check<SecuritySubject>;
