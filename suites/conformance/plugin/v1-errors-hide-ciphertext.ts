import type { Check } from "../check.ts";
import { judgeMessagesV1 } from "../plugin-messages-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-errors-hide-ciphertext",
  title: "No error message holds a ciphertext.",
  level: "SHOULD",
  invariants: [],
  source: "good practice: more people read a log than read etcd, and it may be kept for longer than the key",
  needs: ["kms-v1"],
  remedy: "Name a ciphertext by its length or by a digest.",
  run: (subject) => judgeMessagesV1(subject, "ciphertext"),
} satisfies Check<PluginSubject>;
