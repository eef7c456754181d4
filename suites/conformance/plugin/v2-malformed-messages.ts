import { methodPaths } from "../../../harness/kms/contract.ts";
import { type Check, Findings } from "../check.ts";
import { addStillWorks, attempt, ending, isRefusal } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

const malformed = [
  ["a field that is longer than the message", Uint8Array.of(0x0a, 0x7f, 1)],
  ["a wire type that there is not", Uint8Array.of(0x0f)],
  ["a number that does not end", new Uint8Array(12).fill(0xff)],
] as const;

export const check = {
  id: "plugin/v2-malformed-messages",
  title: "What is no protobuf message is refused, and the plugin goes on working.",
  level: "SHOULD",
  invariants: [],
  source: "gRPC status codes: Internal or InvalidArgument; good practice",
  needs: ["kms-v2"],
  remedy: "Let the decoder's error end the call and nothing else.",
  async run(subject) {
    using raw = subject.connectRaw();
    const findings = new Findings();
    for (const [what, bytes] of malformed) {
      const result = await attempt(raw.call(methodPaths.v2.Encrypt, bytes), subject);
      findings.add(isRefusal(result), { sent: `Encrypt with ${what}`, received: ending(result), expected: "a refusal" });
    }
    await addStillWorks(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
