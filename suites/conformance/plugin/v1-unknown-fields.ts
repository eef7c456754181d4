import { type Check, Findings, inconclusive } from "../check.ts";
import { attempt } from "../plugin-calls.ts";
import { addRoundTripV1, handmadeV1, sealedDek, versionV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

/** Field 15, a string of one letter. */
const unknownField = Uint8Array.of(0x7a, 1, 0x61);

export const check = {
  id: "plugin/v1-unknown-fields",
  title: "A field that the plugin does not know is passed over.",
  level: "SHOULD",
  invariants: [],
  source: "protobuf: unknown fields are skipped; later Kubernetes versions may send some",
  needs: ["kms-v1"],
  remedy: "Use a generated decoder of the published api.proto.",
  async run(subject) {
    const made = await sealedDek(subject);
    if ("verdict" in made) return made;
    const usual = await attempt(subject.v1.version(), subject);
    if (!usual.isAnswered) return inconclusive(`Version does not work: ${usual.message}`);
    using raw = subject.connectRaw();
    const v1 = handmadeV1(raw, { version: versionV1, tail: unknownField });
    const findings = new Findings();
    const result = await attempt(v1.version(), subject);
    findings.add(result.isAnswered, {
      sent: "Version with an unknown field 15",
      received: result.isAnswered ? "an answer" : result.message,
      expected: "an answer",
    });
    await addRoundTripV1({ v1, clock: subject.clock }, findings, "32 bytes with an unknown field 15", subject.random.bytes(32));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
