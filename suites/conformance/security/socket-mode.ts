import type { Check } from "../check.ts";
import { judgeModes } from "../guarded-files.ts";
import type { SecuritySubject } from "../security-subject.ts";

export const check = {
  id: "security/socket-mode",
  title: "The plugin's socket is its owner's alone.",
  level: "SHOULD",
  invariants: [],
  source: "KEP-3299: whoever can connect to the socket can have every DEK decrypted; unix(7)",
  needs: [],
  remedy:
    "Let the plugin make its socket with mode 0600, by umask(077) before it listens; put it into a folder that only it and the API server may enter.",
  run: (subject) => judgeModes(subject, "socket"),
} satisfies Check<SecuritySubject>;
