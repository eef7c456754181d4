import type { Check } from "../check.ts";
import { judgeModes } from "../guarded-files.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/key-files-mode",
  title: "Files with keys and credentials are their owner's alone: the encryption configuration, private keys, tokens, the plugin's keys.",
  level: "SHOULD",
  invariants: [],
  source: "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/#understanding-the-encryption-at-rest-configuration",
  needs: [],
  remedy: "chmod 0600 the file that is named.",
  run: (subject) => judgeModes(subject, "keys"),
} satisfies Check<SecuritySubject>;
