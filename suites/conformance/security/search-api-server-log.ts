import { searchForSecrets } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-api-server-log",
  title: "The API server's log does not hold the content of a Secret.",
  level: "MUST",
  invariants: [],
  source: "KEP-3299, Risks and Mitigations; spec encryption-at-rest 2.1",
  needs: ["logs"],
  remedy: "Lower its --v, and look at what its audit policy writes of Secrets: RequestResponse writes them whole.",
  run: (subject) => searchForSecrets(subject, "API server's log", { holdsPlain: false }),
} satisfies Check<SecuritySubject>;
