import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Check, Findings } from "../check.ts";
import type { PluginSubject } from "../plugin-subject.ts";

/** Connecting needs the right to write to the socket and to enter every folder above it (unix(7)). */
async function othersMayConnect(socket: string): Promise<boolean> {
  if (((await stat(socket)).mode & 0o002) === 0) return false;
  for (let folder = dirname(socket); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

export const check = {
  id: "plugin/v2-socket-mode",
  title: "Nobody but its owner and group can connect to the socket.",
  level: "SHOULD",
  invariants: [],
  source: "good practice: whoever connects can decrypt every seed",
  needs: ["kms-v2"],
  remedy: "Create the socket with mode 0600, or in a folder that others may not enter.",
  async run(subject) {
    const findings = new Findings();
    const others = await othersMayConnect(subject.socket);
    findings.add(!others, {
      sent: "a look at the modes of the socket and the folders above it",
      received: others ? "others may connect" : "others may not connect",
      expected: "others may not connect",
    });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
