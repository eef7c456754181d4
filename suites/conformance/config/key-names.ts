import { providersIn } from "../../../harness/target/encryption-configuration.ts";
import { adviceCheck } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/key-names",
  title: "The names of local keys are unique in their provider and have no colon in them.",
  invariants: ["FR-02"],
  source: "spec encryption-at-rest 0.1, 0.4: the name stands in every value, with a colon behind it",
  remedy: "Name keys by small words and numbers; a name that values were written with must stay as it is.",
  otherwise: "It has no local keys.",
  find(configuration) {
    const local = providersIn(configuration).flatMap((provider) => ("keys" in provider ? [provider] : []));
    if (local.length === 0) return undefined;
    return local.flatMap(({ kind, keys }) => [
      ...keys
        .filter(({ name }) => name.includes(":"))
        .map((about) => ({
          about,
          told: `The key ${JSON.stringify(about.name)} of ${kind} has a colon in its name: tools that read etcd cannot tell where the name ends.`,
        })),
      ...keys
        .filter(({ name }, at) => keys.findIndex((key) => key.name === name) < at)
        .map((about) => ({
          about,
          told: `Two keys of ${kind} are called ${JSON.stringify(about.name)}: values do not say which one wrote them.`,
        })),
    ]);
  },
});
