import { ruleCheck } from "../config-rule.ts";

export const check = ruleCheck({
  id: "config/decodable",
  title: "The file is an EncryptionConfiguration without unknown fields, fields given twice or values of a wrong type.",
  invariants: ["EC-09"],
  rule: "decodable",
  remedy: "Correct the spelling and the types; kube-apiserver since 1.31 takes nothing that it does not know.",
});
