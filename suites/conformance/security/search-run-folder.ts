import { searchForSecrets } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-run-folder",
  title: "The folder of a run does not hold the content of a Secret.",
  level: "MUST",
  invariants: [],
  source: "docs/conform-security.md",
  needs: [],
  remedy: "This is a fault of kmsmark: delete the folder, and tell its developers.",
  run: (subject) => searchForSecrets(subject, "run folder", { holdsPlain: false }),
} satisfies Check<SecuritySubject>;
