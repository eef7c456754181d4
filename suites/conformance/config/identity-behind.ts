import { adviceCheck, secretProviders } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/identity-behind",
  title: "Identity does not stand behind the providers of Secrets once all are encrypted.",
  invariants: ["FR-07"],
  source: "spec encryption-at-rest 3",
  remedy: "Remove identity once every Secret was rewritten; until then it is needed to read those in plain text.",
  otherwise: "It has nothing to do with Secrets.",
  find(configuration) {
    const [first, ...others] = secretProviders(configuration);
    if (first === undefined || first.kind === "identity") return undefined;
    const told = "identity reads: whoever can write to etcd can put a Secret there in plain text, and the API server takes it for its own.";
    return others.filter(({ kind }) => kind === "identity").map((about) => ({ about, told }));
  },
});
