import { adviceCheck, secretProviders } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/aesgcm",
  title: "Secrets are not written with aesgcm, whose key wears out.",
  invariants: ["LP-02"],
  source: "spec encryption-at-rest 3; NIST SP 800-38D: 2^32 random nonces a key",
  remedy: "Put a KMS v2 provider first, whose keys are derived for each write, or rotate the key of aesgcm long before 2^32 writes.",
  otherwise: "It has nothing to do with Secrets.",
  find(configuration) {
    const [first] = secretProviders(configuration);
    if (first === undefined) return undefined;
    return first.kind === "aesgcm"
      ? [{ about: first, told: "aesgcm writes: nothing counts the writes of a key, and with a nonce drawn twice both values are open." }]
      : [];
  },
});
