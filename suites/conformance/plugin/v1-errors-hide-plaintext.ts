import type { Check } from "../check.ts";
import { judgeMessagesV1 } from "../plugin-messages-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-errors-hide-plaintext",
  title: "No error message holds a plaintext.",
  level: "MUST",
  invariants: ["FR-08"],
  source: "spec encryption-at-rest 2.6, 6.2: kube-apiserver writes the messages to its log and into answers of its API",
  needs: ["kms-v1"],
  remedy: "Say what is wrong with a request, not what is in it.",
  run: (subject) => judgeMessagesV1(subject, "plaintext"),
} satisfies Check<PluginSubject>;
