import { type Check, notApplicable } from "../check.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";

/** A key_id may have 1024 bytes. */
const shownMax = 120;
const writersMax = 8;

export const check = {
  id: "envelope/one-writer",
  title: "All values were written by one provider and under one key, as they are after a migration.",
  level: "SHOULD",
  invariants: ["MG-02"],
  source: "spec encryption-at-rest 2.7 and 6.3; KEP-3299, rotation",
  needs: [],
  remedy:
    "Rewrite all objects (`kubectl get secrets -A -o json | kubectl replace -f -`, or a StorageVersionMigration) before you retire the older key or provider.",
  async run(subject) {
    if (subject.severalWriters !== undefined) return notApplicable(subject.severalWriters);
    const counts = new Map<string, number>();
    await subject.each((value) => {
      if (value.writer === undefined) return;
      const keyId = value.kmsV2?.keyId;
      const writer = keyId === undefined ? value.writer : `${value.writer} with key_id ${keyId}`;
      counts.set(writer, (counts.get(writer) ?? 0) + 1);
    });
    if (counts.size === 0) return notApplicable(`No value in ${subject.origin} says who wrote it.`);
    const writers = [...counts].sort(([, a], [, b]) => b - a).map(([writer, count]) => `${count} by ${writer.slice(0, shownMax)}`);
    const evidence = {
      sent: `the values in ${subject.origin}`,
      received: writers.slice(0, writersMax).join("; "),
      expected: "all by one provider and one key",
    };
    return { verdict: counts.size === 1 ? "pass" : "fail", evidence: [evidence] };
  },
} satisfies Check<EnvelopeSubject>;
