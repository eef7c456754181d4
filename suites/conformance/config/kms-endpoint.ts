import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/kms-endpoint",
  title: "The endpoint of a KMS provider is a Unix socket.",
  invariants: ["EC-05"],
  rule: "kms-endpoint",
  remedy: "Write `unix:///path/to/plugin.sock`.",
});
