import { searchForSecrets } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-wal",
  title: "etcd's write-ahead log does not hold the content of a Secret.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "spec encryption-at-rest 0.1; https://etcd.io/docs/v3.6/learning/persistent-storage-files/",
  needs: ["disk"],
  remedy:
    "What was once written in plain text stays in the log until etcd removes its files after later snapshots; take them for plain text until then.",
  run: (subject) => searchForSecrets(subject, "write-ahead log", { holdsPlain: true }),
} satisfies Check<SecuritySubject>;
