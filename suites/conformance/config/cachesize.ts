import { adviceCheck, kmsProviders, nameOf } from "../config-rule.ts";

/** Where the file gives none (spec encryption-at-rest 1.3). */
const defaultCacheSize = 1000;

export const check = adviceCheck({
  id: "config/cachesize",
  title: "The cachesize of KMS v1 is no smaller than the number of Secrets.",
  invariants: ["K1-05"],
  source: "spec encryption-at-rest 1.3",
  remedy: "Raise cachesize to the number of Secrets and more, or go to KMS v2.",
  otherwise: "It has no KMS v1 provider, or nobody said with --secrets how many Secrets there are.",
  find(configuration, { secrets }) {
    const v1 = kmsProviders(configuration).flatMap((provider) => (provider.apiVersion === "v1" ? [provider] : []));
    if (v1.length === 0 || secrets === undefined) return undefined;
    return v1.flatMap((provider) => {
      const { cacheSize = defaultCacheSize } = provider;
      if (cacheSize >= secrets) return [];
      const kept = cacheSize < 0 ? "keeps no DEK" : `keeps ${cacheSize} DEKs`;
      const told = `${nameOf(provider)} ${kept}, and there are ${secrets} Secrets: every pass over them costs ${secrets} KMS calls.`;
      return [{ about: provider, told }];
    });
  },
});
