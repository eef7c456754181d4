import { searchForSecrets } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-etcd-log",
  title: "etcd's log does not hold the content of a Secret.",
  level: "MUST",
  invariants: [],
  source: "https://etcd.io/docs/v3.6/op-guide/configuration/",
  needs: ["disk", "logs"],
  remedy: "Lower its --log-level.",
  run: (subject) => searchForSecrets(subject, "etcd's log", { holdsPlain: false }),
} satisfies Check<SecuritySubject>;
