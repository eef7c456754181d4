import type { Check } from "../check.ts";
import { judgeModes } from "../guarded-files.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/etcd-folder-mode",
  title: "etcd's folders and what lies in them are their owner's alone.",
  level: "SHOULD",
  invariants: [],
  source: "https://etcd.io/docs/v3.6/op-guide/security/; CIS Kubernetes Benchmark, permissions of etcd's data directory",
  needs: ["disk"],
  remedy: "chmod 0700 the folder that is named.",
  run: (subject) => judgeModes(subject, "stored values"),
} satisfies Check<SecuritySubject>;
