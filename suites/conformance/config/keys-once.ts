import { providersIn } from "../../../harness/target/encryption-configuration.ts";
import { adviceCheck } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/keys-once",
  title: "No local key stands in the file twice.",
  invariants: [],
  source: "good practice: one key, one use",
  remedy: "Make a key of its own for each.",
  otherwise: "It has no local keys.",
  find(configuration) {
    const keys = providersIn(configuration).flatMap((provider) =>
      "keys" in provider ? provider.keys.map((about) => ({ kind: provider.kind, about, ...about })) : [],
    );
    if (keys.length === 0) return undefined;
    return keys.flatMap((key, at) => {
      const before = keys.slice(0, at).find((other) => Buffer.compare(other.secret, key.secret) === 0);
      return before === undefined
        ? []
        : [
            {
              about: key.about,
              told: `The keys ${JSON.stringify(before.name)} of ${before.kind} and ${JSON.stringify(key.name)} of ${key.kind} are the same.`,
            },
          ];
    });
  },
});
