import type { Check } from "../check.ts";
import { movedIsRefused } from "../moved-value.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/moved-aesgcm",
  title: "A value of aesgcm that was copied to the key of another Secret is not read there.",
  level: "MUST",
  invariants: ["AAD-01"],
  source: "spec encryption-at-rest 0.3; k8s.io/apiserver pkg/storage/value/encrypt/aes/aes.go",
  needs: ["store"],
  remedy: "kube-apiserver authenticates the key of etcd with each value: one that reads a moved value is another.",
  run: (subject) => movedIsRefused(subject, "aesgcm"),
} satisfies Check<SecuritySubject>;
