import { searchForCredentials } from "../canary-search.ts";
import type { Check } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-credentials",
  title: "No log and no folder of a run holds a key or a credential.",
  level: "MUST",
  invariants: [],
  source: "KEP-3299, Risks and Mitigations; spec encryption-at-rest 4.1",
  needs: ["logs"],
  remedy: "Exchange the key, because whoever read the log has it; then find out what wrote it there.",
  async run(subject) {
    const kinds = ["API server's log", "etcd's log", "plugin's log", "run folder"] as const;
    const places = await Promise.all(kinds.map((kind) => subject.places(kind)));
    return searchForCredentials(subject, places.flat());
  },
} satisfies Check<SecuritySubject>;
