import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/overlap",
  title: "No resource is given twice in a list, overlaps with a wildcard, or is masked by an earlier one.",
  invariants: ["EC-10"],
  rule: "overlap",
  remedy: "Put the exact names into earlier items than the wildcards.",
});
