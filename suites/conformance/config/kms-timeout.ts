import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/kms-timeout",
  title: "The timeout of a KMS provider is positive.",
  invariants: ["EC-04"],
  rule: "kms-timeout",
  remedy: "Leave it out for 3 s, or give a positive one.",
});
