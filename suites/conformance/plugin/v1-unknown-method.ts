import { type Check, Findings } from "../check.ts";
import { attempt, ending } from "../plugin-calls.ts";
import { addStillWorksV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-unknown-method",
  title: "A method that there is not is answered with Unimplemented, and the plugin goes on working.",
  level: "SHOULD",
  invariants: [],
  source: "gRPC status codes: Unimplemented",
  needs: ["kms-v1"],
  remedy: "Use a gRPC library's server, which answers so by itself.",
  async run(subject) {
    using raw = subject.connectRaw();
    const findings = new Findings();
    const result = await attempt(raw.call("/v1beta1.KeyManagementService/NoSuchMethod", new Uint8Array(0)), subject);
    findings.add(!result.isAnswered && result.code === "Unimplemented", {
      sent: "NoSuchMethod",
      received: ending(result),
      expected: "Unimplemented",
    });
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
