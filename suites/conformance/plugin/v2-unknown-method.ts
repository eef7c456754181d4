import { type Check, Findings } from "../check.ts";
import { addStillWorks, attempt, ending } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-unknown-method",
  title: "A method that there is not is answered with Unimplemented, and the plugin goes on working.",
  level: "SHOULD",
  invariants: [],
  source: "gRPC status codes: Unimplemented",
  needs: ["kms-v2"],
  remedy: "Use a gRPC library's server, which answers so by itself.",
  async run(subject) {
    using raw = subject.connectRaw();
    const findings = new Findings();
    const result = await attempt(raw.call("/v2.KeyManagementService/NoSuchMethod", new Uint8Array(0)), subject);
    findings.add(!result.isAnswered && result.code === "Unimplemented", {
      sent: "NoSuchMethod",
      received: ending(result),
      expected: "Unimplemented",
    });
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
