import { describe, expect, it } from "vitest";
import { EnvelopeFixture } from "./envelope-fixture.ts";

const fixture = new EnvelopeFixture();

function counted(values = fixture.values) {
  const readings = { count: 0 };
  const subject = fixture.subject(values, {
    async *values() {
      readings.count++;
      yield* values;
    },
  });
  return { subject, readings };
}

describe("a reading of stored values", () => {
  it("is shared by all who ask in the same moment", async () => {
    const { subject, readings } = counted();
    const seen: string[][] = [[], [], []];
    await Promise.all(seen.map((keys) => subject.each(({ key }) => void keys.push(key))));
    expect(readings.count).toBe(1);
    for (const keys of seen) expect(keys).toEqual(fixture.values.map(({ key }) => key));
  });

  it("is made anew for those who come later", async () => {
    const { subject, readings } = counted();
    await subject.each(() => {});
    await subject.each(() => {});
    expect(readings.count).toBe(2);
  });

  it("goes on for the others when one of them throws", async () => {
    const { subject } = counted();
    let seen = 0;
    const broken = subject.each(() => Promise.reject(new Error("a broken check")));
    const whole = subject.each(() => void seen++);
    await expect(broken).rejects.toThrow("a broken check");
    await whole;
    expect(seen).toBe(fixture.values.length);
  });

  it("ends for all when the values cannot be read", async () => {
    const subject = fixture.subject([], {
      values: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("etcd went away")) }),
      }),
    });
    const readings = await Promise.allSettled([subject.each(() => {}), subject.each(() => {})]);
    expect(readings.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it("opens a value once, however many ask", async () => {
    let unlocked = 0;
    const keyring = fixture.keyring();
    const unlock = keyring.unlock.bind(keyring);
    keyring.unlock = (value) => {
      unlocked++;
      return unlock(value);
    };
    const subject = fixture.subject(fixture.values, { keyring });
    await Promise.all([1, 2, 3].map(() => subject.each(async (value) => void (await value.opening()))));
    expect(unlocked).toBe(fixture.values.length);
  });
});
