import { adviceCheck, secretProviders } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/secrets-covered",
  title: "Secrets are among the resources.",
  invariants: ["FR-09"],
  source: "the purpose of the file; spec encryption-at-rest 0.5",
  remedy: "Add `secrets` to the resources of an item.",
  otherwise: "It concerns every file.",
  find: (configuration) =>
    secretProviders(configuration).length > 0 ? [] : ["No item names secrets, *. or *.*: Secrets are stored in plain text."],
});
