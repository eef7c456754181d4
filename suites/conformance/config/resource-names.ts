import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/resource-names",
  title: "The resources are written as kube-apiserver knows them.",
  invariants: ["EC-08"],
  rule: "resource-names",
  remedy: "Write them in small letters, those of other groups as `resource.group`, and wildcards as `*.`, `*.group` or `*.*`.",
});
