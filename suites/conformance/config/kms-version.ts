import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/kms-version",
  title: "The apiVersion of a KMS provider is v1 or v2.",
  invariants: ["EC-07"],
  rule: "kms-version",
  remedy: "Write v2; without any it is v1.",
});
