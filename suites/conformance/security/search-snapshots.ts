import { searchForSecrets } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-snapshots",
  title: "No snapshot file of etcd holds the content of a Secret.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "https://etcd.io/docs/v3.6/learning/persistent-storage-files/",
  needs: ["disk"],
  remedy: "Look which provider is first for Secrets: only what it writes is encrypted.",
  run: (subject) => searchForSecrets(subject, "snapshots", { holdsPlain: false }),
} satisfies Check<SecuritySubject>;
