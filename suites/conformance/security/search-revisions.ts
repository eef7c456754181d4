import { searchForSecrets } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-revisions",
  title: "No revision that the store still keeps holds the content of a Secret.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "spec encryption-at-rest 0.1; https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/",
  needs: ["store"],
  remedy: "Rewrite every Secret, then compact etcd: what was written in plain text stays in its old revisions until then.",
  run: (subject) => searchForSecrets(subject, "revisions", { holdsPlain: true }),
} satisfies Check<SecuritySubject>;
