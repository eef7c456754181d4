import { adviceCheck, kmsProviders, nameOf } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/kms-v1",
  title: "No provider is KMS v1, which is deprecated and off by default.",
  invariants: ["K1-10"],
  source: "KEP-3299; spec encryption-at-rest 1.7",
  remedy:
    "Go to `apiVersion: v2`: put a new provider of another name second, roll the API servers, put it first, roll, rewrite the Secrets, remove the old one.",
  otherwise: "It has no KMS provider.",
  find(configuration) {
    const kms = kmsProviders(configuration);
    if (kms.length === 0) return undefined;
    return kms
      .filter(({ apiVersion }) => apiVersion === "v1")
      .map((about) => ({ about, told: `${nameOf(about)} needs --feature-gates=KMSv1=true since 1.29, and a KMS call for every write.` }));
  },
});
