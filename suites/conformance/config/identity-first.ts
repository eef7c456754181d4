import { adviceCheck, secretProviders } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/identity-first",
  title: "Identity does not stand in front of the providers of Secrets.",
  invariants: ["FR-07"],
  source: "spec encryption-at-rest 0.4, 3",
  remedy: "Put the provider that is to encrypt first; identity in front is for decrypting everything before encryption is given up.",
  otherwise: "It has nothing to do with Secrets.",
  find(configuration) {
    const [first, ...others] = secretProviders(configuration);
    if (first === undefined) return undefined;
    if (first.kind !== "identity") return [];
    const told =
      others.length === 0
        ? "identity is the only provider: nothing is encrypted."
        : "identity writes: every Secret that is written is stored in plain text, and what was encrypted becomes so at its next update.";
    return [{ about: first, told }];
  },
});
