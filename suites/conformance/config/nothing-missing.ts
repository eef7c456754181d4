import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/nothing-missing",
  title: "There are items, and each has resources, providers and keys.",
  invariants: ["EC-01"],
  rule: "nothing-missing",
  remedy: "Fill in what is missing.",
});
