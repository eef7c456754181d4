import { adviceCheck, secretProviders } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/aescbc",
  title: "Secrets are not written with aescbc, which authenticates nothing.",
  invariants: ["AAD-02"],
  source: "spec encryption-at-rest 0.3, 3",
  remedy: "Put a KMS v2 provider, or secretbox, first.",
  otherwise: "It has nothing to do with Secrets.",
  find(configuration) {
    const [first] = secretProviders(configuration);
    if (first === undefined) return undefined;
    return first.kind === "aescbc"
      ? [{ about: first, told: "aescbc writes: a value can be changed in etcd, or moved to another Secret, without anybody noticing." }]
      : [];
  },
});
