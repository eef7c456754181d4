import { describe, expect, it } from "vitest";
import { Random } from "../../../harness/random.ts";
import { EnvelopeFixture } from "../envelope-fixture.ts";
import type { EtcdValue } from "../envelope-value.ts";
import { envelopeChecks } from "../index.ts";

const fixture = new EnvelopeFixture();
const rounds = 400;

describe("values that anybody may have put into etcd", () => {
  it("never keep a check from its verdict", async () => {
    const random = new Random("hostile values");
    const values = Array.from({ length: rounds }, (_, round) => disturbed(fixture.values[round % fixture.values.length], random, round));
    const checks = envelopeChecks.filter(({ needs }) => !needs.includes("configure"));
    const outcomes = await Promise.all(checks.map(({ run }) => run(fixture.subject(values))));
    expect(new Set(outcomes.map(({ verdict }) => verdict))).toEqual(new Set(["pass", "fail", "not-applicable"]));
  });
});

/** The first bytes, with the lengths in them, stay as they are. */
const headBytes = 24;

/** The value with some bytes behind its prefix changed, and some bytes more or fewer at its end; the length stays near to the right one. */
function disturbed(from: EtcdValue | undefined, random: Random, round: number): EtcdValue {
  if (from === undefined) throw new RangeError("The fixture is empty.");
  const bytes = Uint8Array.from(from.value);
  for (let flips = random.uint32() % 4; flips > 0; flips--) {
    const place = headBytes + (random.uint32() % (bytes.length - headBytes));
    bytes[place] = random.uint32() % 256;
  }
  const end = random.uint32() % 3;
  const value =
    end === 0
      ? bytes
      : end === 1
        ? bytes.subarray(0, -1 - (random.uint32() % 8))
        : Buffer.concat([bytes, bytes.subarray(-1 - (random.uint32() % 40))]);
  return { key: `${from.key}-${round}`, value, modRevision: round };
}
