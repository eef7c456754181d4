import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";
import { tamperedIsRefused } from "../tampered-value.ts";

export const check = {
  id: "security/tampered-kms-v2",
  title: "A value of kms-v2 is not read once a byte of any of its regions is changed.",
  level: "MUST",
  invariants: ["LP-04"],
  source: "spec encryption-at-rest 1.2, 2.3 and 3; k8s.io/apiserver pkg/storage/value/encrypt/",
  needs: ["kms-v2", "store"],
  remedy:
    "The region that is named is not authenticated. kube-apiserver authenticates all but the encrypted DEK, which is the plugin's to guard.",
  run: (subject) => tamperedIsRefused(subject, "kms-v2"),
} satisfies Check<SecuritySubject>;
