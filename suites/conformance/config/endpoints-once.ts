import { adviceCheck, kmsProviders, nameOf } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/endpoints-once",
  title: "No two KMS providers have the same endpoint.",
  invariants: [],
  source: "spec encryption-at-rest 4.2: two names of one plugin are two providers with caches and polls of their own",
  remedy: "List the resources in one item under one provider, unless this is a migration from KMS v1 to v2.",
  otherwise: "It has no KMS provider.",
  find(configuration) {
    const kms = kmsProviders(configuration);
    if (kms.length === 0) return undefined;
    return kms.flatMap((provider, at) => {
      const before = kms.slice(0, at).find(({ socket }) => socket === provider.socket);
      return before === undefined
        ? []
        : [
            {
              about: provider,
              told: `${nameOf(before)} and ${nameOf(provider)} call the same plugin, each with a cache and health checks of its own.`,
            },
          ];
    });
  },
});
