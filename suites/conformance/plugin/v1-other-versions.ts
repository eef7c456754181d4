import { type Check, Findings } from "../check.ts";
import { type Attempt, attempt, ending, isRefusal, seedLength } from "../plugin-calls.ts";
import { addStillWorksV1, handmadeV1, sealedDek } from "../plugin-calls-v1.ts";
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
    const made = await sealedDek(subject);
    if ("verdict" in made) return made;
    using raw = subject.connectRaw();
    const findings = new Findings();
    for (const [what, version] of [
      ["the version v99", "v99"],
      ["no version", ""],
      ["a version of 10000 letters", "v".repeat(10_000)],
    ] as const) {
      const other = handmadeV1(raw, { version, tail: new Uint8Array(0) });
      const add = (method: string, result: Attempt<unknown>) =>
        findings.add(result.isAnswered || isRefusal(result), {
          sent: `${method} with ${what}`,
          received: ending(result),
          expected: "an answer or a refusal",
        });
      add("Version", await attempt(other.version(), subject));
      add("Encrypt", await attempt(other.encrypt(subject.random.bytes(seedLength)), subject));
      add("Decrypt", await attempt(other.decrypt(made.cipher), subject));
      if (findings.hasFailed) break;
    }
    await addStillWorksV1(subject, findings);
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
