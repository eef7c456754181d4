import { methodPaths } from "../../../harness/kms/contract.ts";
import { type Check, Findings } from "../check.ts";
import { attempt, ending, isRefusal } from "../plugin-calls.ts";
import { addStillWorksV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-other-versions",
  title: "A request of another version is refused or served, and the plugin goes on working.",
  level: "SHOULD",
  invariants: ["K1-11"],
  source: "spec encryption-at-rest 1.1: kube-apiserver always sends v1beta1",
  needs: ["kms-v1"],
  remedy: "Refuse a version that is not `v1beta1` with InvalidArgument.",
  async run(subject) {
    using raw = subject.connectRaw();
    const findings = new Findings();
    // Field 1, a string of three bytes; or no field at all.
    for (const [what, bytes] of [
      ["the version v99", Uint8Array.of(0x0a, 3, 0x76, 0x39, 0x39)],
      ["no version", new Uint8Array(0)],
    ] as const) {
      const result = await attempt(raw.call(methodPaths.v1.Version, bytes), subject);
      findings.add(result.isAnswered || isRefusal(result), {
        sent: `Version with ${what}`,
        received: ending(result),
        expected: "an answer or a refusal",
      });
    }
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
