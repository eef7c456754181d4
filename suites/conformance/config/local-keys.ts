import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/local-keys",
  title: "Local keys have a name and a secret in base64 of a length that their cipher takes.",
  invariants: ["EC-08"],
  rule: "local-keys",
  remedy: "Make keys with `head -c 32 /dev/urandom | base64`.",
});
