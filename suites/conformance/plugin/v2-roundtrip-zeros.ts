import { type Check, Findings } from "../check.ts";
import { addRoundTrip, seedLength } from "../plugin-calls.ts";
import type { PluginSubject } from "../plugin-subject.ts";

export const check = {
  id: "plugin/v2-roundtrip-zeros",
  title: "Zeros at the beginning and the end come back, and seeds of one byte value too.",
  level: "MUST",
  invariants: ["K2-06"],
  source: "KEP-3299; spec encryption-at-rest 2.1",
  needs: ["kms-v2"],
  remedy: "Neither trim nor pad plaintexts.",
  async run(subject) {
    const findings = new Findings();
    const seed = subject.random.bytes(seedLength);
    await addRoundTrip(subject, findings, "32 bytes that end with zeros", Uint8Array.from(seed).fill(0, 20));
    await addRoundTrip(subject, findings, "32 bytes that begin with zeros", Uint8Array.from(seed).fill(0, 0, 12));
    await addRoundTrip(subject, findings, "32 zeros", new Uint8Array(seedLength));
    await addRoundTrip(subject, findings, "32 bytes 0xff", new Uint8Array(seedLength).fill(0xff));
    await addRoundTrip(
      subject,
      findings,
      "32 blanks and line ends",
      Uint8Array.from({ length: seedLength }, (_, index) => (index % 2 === 0 ? 0x20 : 0x0a)),
    );
    return findings.outcome();
  },
} satisfies Check<PluginSubject>;
