import { methodPaths } from "../../../harness/kms/contract.ts";
import { type Check, Findings } from "../check.ts";
import { attempt, ending } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-unknown-fields",
  title: "A field that the plugin does not know is passed over.",
  level: "SHOULD",
  invariants: [],
  source: "protobuf: unknown fields are skipped; later Kubernetes versions may send some",
  needs: ["kms-v2"],
  remedy: "Use a generated decoder of the published api.proto.",
  async run(subject) {
    using raw = subject.connectRaw();
    const findings = new Findings();
    // Field 15, a string of one byte.
    const result = await attempt(raw.call(methodPaths.v2.Status, Uint8Array.of(0x7a, 1, 0x61)), subject);
    findings.add(result.isAnswered, { sent: "Status with an unknown field 15", received: ending(result), expected: "an answer" });
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
