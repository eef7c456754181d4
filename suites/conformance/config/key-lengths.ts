import { providersIn } from "../../../harness/target/encryption-configuration.ts";
import { adviceCheck } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/key-lengths",
  title: "Local keys of AES have 32 bytes.",
  invariants: ["LP-01"],
  source: "spec encryption-at-rest 3; NIST SP 800-57: 256 bits for data that stays",
  remedy: "Make keys with `head -c 32 /dev/urandom | base64`.",
  otherwise: "It has no local keys of AES.",
  find(configuration) {
    const aes = providersIn(configuration).flatMap((provider) =>
      provider.kind === "aescbc" || provider.kind === "aesgcm" ? [provider] : [],
    );
    if (aes.length === 0) return undefined;
    return aes.flatMap(({ kind, keys }) =>
      keys
        .filter(({ secret }) => secret.length < 32)
        .map((about) => ({ about, told: `The key ${JSON.stringify(about.name)} of ${kind} has ${about.secret.length} bytes.` })),
    );
  },
});
