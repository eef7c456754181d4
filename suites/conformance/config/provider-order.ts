import type { ProviderConfiguration } from "../../../harness/target/encryption-configuration.ts";
import { adviceCheck, nameOf, secretProviders } from "../config-rule.ts";

/** A KMS keeps its key apart from etcd; KMS v2 is the better contract; identity is nothing. */
function strengthOf(provider: ProviderConfiguration): number {
  if (provider.kind === "identity") return 0;
  if (provider.kind !== "kms") return 1;
  return provider.apiVersion === "v1" ? 2 : 3;
}

export const check = adviceCheck({
  id: "config/provider-order",
  title: "The provider that writes Secrets is no weaker than those that only read.",
  invariants: ["FR-02"],
  source: "spec encryption-at-rest 4.3",
  remedy:
    "In a rotation the new provider comes second, then, once every API server has it, first: take that step, or remove what is not needed.",
  otherwise: "It has nothing to do with Secrets.",
  find(configuration) {
    const [first, ...others] = secretProviders(configuration);
    if (first === undefined) return undefined;
    const stronger = others.find((provider) => strengthOf(provider) > strengthOf(first));
    return stronger === undefined
      ? []
      : [
          {
            about: stronger,
            told: `${nameOf(first)} writes, and ${nameOf(stronger)} only reads: a rotation has stopped half way, or the order is wrong.`,
          },
        ];
  },
});
