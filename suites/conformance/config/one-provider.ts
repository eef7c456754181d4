import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/one-provider",
  title: "Every element of a list of providers is one provider.",
  invariants: ["EC-02"],
  rule: "one-provider",
  remedy: "Write each provider as an element of its own, in the order in which they are to read.",
});
