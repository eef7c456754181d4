import { searchForSecrets } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-database",
  title: "etcd's database file does not hold the content of a Secret, not even in pages that it no longer uses.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "spec encryption-at-rest 0.1; https://etcd.io/docs/v3.6/learning/data_model/",
  needs: ["disk"],
  remedy: "Defragment etcd once everything is rewritten and compacted: free pages keep what they held.",
  run: (subject) => searchForSecrets(subject, "database", { holdsPlain: true }),
} satisfies Check<SecuritySubject>;
