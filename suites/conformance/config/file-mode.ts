import { providersIn } from "../../../harness/target/encryption-configuration.ts";
import { adviceCheck } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/file-mode",
  title: "Nobody but its owner can read a file that holds keys.",
  invariants: [],
  source: "good practice: who reads the file reads every Secret",
  remedy: "chmod 600, and give it to the user that the API server runs as.",
  otherwise: "It holds no keys.",
  find(configuration, { mode }) {
    if (!providersIn(configuration).some((provider) => "keys" in provider)) return undefined;
    return (mode & 0o077) === 0 ? [] : [`The file has mode 0${mode.toString(8)}: others than its owner may read or write it.`];
  },
});
