import { methodPaths } from "../../../harness/kms/contract.ts";
import { type Check, Findings } from "../check.ts";
import { attempt, ending, isRefusal } from "../plugin-calls.ts";
import { addStillWorksV1 } from "../plugin-calls-v1.ts";
import { addLivesOn, watchConnection } from "../plugin-connection-watch.ts";
import type { PluginSubject } from "../plugin-subject.ts";

const malformed = [
  ["a field that is longer than the message", Uint8Array.of(0x12, 0x7f, 1)],
  ["a wire type that there is not", Uint8Array.of(0x0f)],
  ["a number that does not end", new Uint8Array(12).fill(0xff)],
] as const;

export const check = {
  id: "plugin/v1-malformed-messages",
  title: "What is no protobuf message is refused, and the plugin lives on.",
  level: "SHOULD",
  invariants: [],
  source: "gRPC status codes: Internal or InvalidArgument; good practice",
  needs: ["kms-v1"],
  remedy: "Let the decoder's error end the call and nothing else.",
  async run(subject) {
    using watch = await watchConnection(subject.socket);
    using raw = subject.connectRaw();
    const findings = new Findings();
    for (const [what, bytes] of malformed) {
      for (const method of ["Encrypt", "Decrypt"] as const) {
        const result = await attempt(raw.call(methodPaths.v1[method], bytes), subject);
        findings.add(isRefusal(result), { sent: `${method} with ${what}`, received: ending(result), expected: "a refusal" });
      }
    }
    await addStillWorksV1(subject, findings);
    addLivesOn(findings, watch);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
