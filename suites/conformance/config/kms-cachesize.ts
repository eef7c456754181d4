import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/kms-cachesize",
  title: "The cachesize is not 0 for KMS v1, and absent for KMS v2.",
  invariants: ["EC-06"],
  rule: "kms-cachesize",
  remedy: "Leave it out for KMS v2; for KMS v1 give the number of Secrets.",
});
