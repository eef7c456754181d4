import { methodPaths } from "../../../harness/kms/contract.ts";
import { type Check, Findings } from "../check.ts";
import { attempt, ending } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-authority",
  title: "The plugin serves callers under every authority that API servers have sent.",
  level: "SHOULD",
  invariants: ["K2-26"],
  source: "spec encryption-at-rest 2.1: localhost since 1.32, the percent-encoded path of the socket before",
  needs: ["kms-v2"],
  remedy: "Take no notice of the HTTP/2 authority.",
  async run(subject) {
    const findings = new Findings();
    for (const authority of ["localhost", encodeURIComponent(subject.socket)]) {
      using raw = subject.connectRaw(authority);
      const result = await attempt(raw.call(methodPaths.v2.Status, new Uint8Array(0)), subject);
      const name = authority === "localhost" ? authority : "the percent-encoded path of the socket";
      findings.add(result.isAnswered, { sent: `Status with the authority ${name}`, received: ending(result), expected: "an answer" });
    }
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
