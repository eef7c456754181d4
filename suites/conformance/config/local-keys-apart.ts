import { adviceCheck, nameOf, secretProviders } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/local-keys-apart",
  title: "Secrets are not written with a key that lies in this file.",
  invariants: [],
  source: "KEP-3299: a key beside the data protects only against who has the data alone",
  remedy: "Put a KMS v2 provider first: its key leaves the KMS never.",
  otherwise: "It has nothing to do with Secrets.",
  find(configuration) {
    const [first] = secretProviders(configuration);
    if (first === undefined || first.kind === "identity") return undefined;
    return first.kind === "kms"
      ? []
      : [{ about: first, told: `${nameOf(first)} writes with a key of this file: who has a copy of the control plane's disk has both.` }];
  },
});
