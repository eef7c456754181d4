import { searchForSecrets } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-keys",
  title: "No key of the store holds the content of a Secret.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "spec encryption-at-rest 0.1; https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/",
  needs: ["store"],
  remedy: "Look which provider is first for Secrets: only what it writes is encrypted.",
  run: (subject) => searchForSecrets(subject, "keys", { holdsPlain: true }),
} satisfies Check<SecuritySubject>;
