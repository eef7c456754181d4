import { adviceCheck, secretProviders } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/secretbox",
  title: "Secrets are not written with secretbox, which binds no value to its key in etcd.",
  invariants: ["AAD-02"],
  source: "spec encryption-at-rest 0.3, 3",
  remedy: "Put a KMS v2 provider first where somebody else may write to etcd.",
  otherwise: "It has nothing to do with Secrets.",
  find(configuration) {
    const [first] = secretProviders(configuration);
    if (first === undefined) return undefined;
    return first.kind === "secretbox"
      ? [{ about: first, told: "secretbox writes: a value can be moved to another Secret in etcd and is read there." }]
      : [];
  },
});
