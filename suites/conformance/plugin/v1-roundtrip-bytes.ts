import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import { addRoundTripV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-roundtrip-bytes",
  title: "Every byte value comes back as it was.",
  level: "MUST",
  invariants: [],
  source: "spec encryption-at-rest 1.1, 1.2",
  needs: ["kms-v1"],
  remedy: "Treat plaintexts as bytes, never as text.",
  async run(subject) {
    const findings = new Findings();
    const deks = [
      ...Array.from({ length: 256 / seedLength }, (_, part) => ({
        what: `the bytes ${part * seedLength} to ${(part + 1) * seedLength - 1}`,
        dek: Uint8Array.from({ length: seedLength }, (_value, index) => part * seedLength + index),
      })),
      // What a plugin that guesses encodings would take for one.
      { what: "32 hexadecimal digits", dek: Buffer.from("0123456789abcdef0123456789abcdef") },
      { what: "32 characters of base64", dek: Buffer.from("QUJDREVGR0hJSktMTU5PUFFSU1RVVldY") },
    ];
    await Promise.all(deks.map(({ what, dek }) => addRoundTripV1(subject, findings, what, dek)));
    return findings.outcome(deks.length);
  },
} satisfies Check<PluginSubject>;
