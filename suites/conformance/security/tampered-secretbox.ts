import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";
import { tamperedIsRefused } from "../tampered-value.ts";

export const check = {
  id: "security/tampered-secretbox",
  title: "A value of secretbox is not read once a byte of any of its regions is changed.",
  level: "MUST",
  invariants: ["LP-04"],
  source: "spec encryption-at-rest 1.2, 2.3 and 3; k8s.io/apiserver pkg/storage/value/encrypt/",
  needs: ["store"],
  remedy:
    "The region that is named is not authenticated. kube-apiserver authenticates all but the encrypted DEK, which is the plugin's to guard.",
  run: (subject) => tamperedIsRefused(subject, "secretbox"),
} satisfies Check<SecuritySubject>;
