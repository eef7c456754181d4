import { searchForSecrets } from "../canary-search.ts";
import { type Check, notApplicable } from "../check.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/search-plugin-log",
  title: "The plugin's log does not hold the content of a Secret.",
  level: "MUST",
  invariants: [],
  source: "KEP-3299; the plugin sees DEKs alone",
  needs: ["logs"],
  remedy: "A plugin is never given a Secret, but seeds and DEKs: log nothing that is or was a plaintext.",
  async run(subject) {
    const places = await subject.places("plugin's log");
    if (places.length === 0) return notApplicable("The plugin is somebody's, whose log is not known.");
    return searchForSecrets(subject, "plugin's log", { holdsPlain: false });
  },
} satisfies Check<SecuritySubject>;
