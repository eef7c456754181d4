import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/kms-name",
  title: "KMS providers have names that nobody else has and no colon in them.",
  invariants: ["EC-03"],
  rule: "kms-name",
  remedy: "Give each a name of its own; it stands in every stored value, so never change it later.",
});
