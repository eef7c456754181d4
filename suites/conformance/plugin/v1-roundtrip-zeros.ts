import { type Check, Findings } from "../check.ts";
import { seedLength } from "../plugin-calls.ts";
import { addRoundTripV1 } from "../plugin-calls-v1.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v1-roundtrip-zeros",
  title: "Zeros at the beginning and the end come back, and DEKs of one byte value too.",
  level: "MUST",
  invariants: [],
  source: "spec encryption-at-rest 1.1, 1.2",
  needs: ["kms-v1"],
  remedy: "Neither trim nor pad plaintexts.",
  async run(subject) {
    const findings = new Findings();
    const dek = subject.random.bytes(seedLength);
    const deks = [
      { what: "32 bytes that end with zeros", plain: Uint8Array.from(dek).fill(0, 20) },
      { what: "32 bytes that begin with zeros", plain: Uint8Array.from(dek).fill(0, 0, 12) },
      { what: "32 zeros", plain: new Uint8Array(seedLength) },
      { what: "32 bytes 0xff", plain: new Uint8Array(seedLength).fill(0xff) },
      { what: "32 blanks and line ends", plain: Uint8Array.from({ length: seedLength }, (_, at) => (at % 2 === 0 ? 0x20 : 0x0a)) },
    ];
    await Promise.all(deks.map(({ what, plain }) => addRoundTripV1(subject, findings, what, plain)));
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
