import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Random } from "../../harness/random.ts";
import { deviationMax, uniformityOf } from "./uniformity.ts";

const count = 5000;
const drawn = (draw: (index: number) => Uint8Array) => Array.from({ length: count }, (_, index) => draw(index));
const worst = (strings: readonly Uint8Array[]) => Math.max(...Object.values(uniformityOf(strings)));

function counter(index: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64LE(1_000_000_001n + BigInt(index), 4);
  return nonce;
}

describe("what is not uniform is far away", () => {
  const step = randomBytes(12);
  const wrong: Record<string, Uint8Array[]> = {
    "a constant": drawn(() => step),
    "a counter": drawn(counter),
    "one bit that is stuck": drawn(() => {
      const nonce = randomBytes(12);
      nonce[5] = (nonce[5] ?? 0) | 0x10;
      return nonce;
    }),
    "printable characters": drawn(() => Buffer.from(randomBytes(9).toString("base64"))),
    "a bit that is one in six of ten": drawn((index) => {
      const nonce = randomBytes(12);
      if (index % 5 === 0) nonce[0] = (nonce[0] ?? 0) | 1;
      return nonce;
    }),
    "a walk with a constant step": drawn((index) => Uint8Array.from(step, (byte, at) => ((index >> (at % 8)) & 1 ? byte : byte ^ 0xff))),
    "no zero bytes": drawn(() => Uint8Array.from(randomBytes(12), (byte) => (byte === 0 ? 1 : byte))),
  };
  it.each(Object.entries(wrong))("%s", (_what, strings) => {
    expect(worst(strings)).toBeGreaterThan(deviationMax);
  });
});

it("what is uniform is near, however often it is drawn", () => {
  const random = new Random("uniformity");
  for (let round = 0; round < 30; round++) expect(worst(drawn(() => random.bytes(12)))).toBeLessThan(deviationMax);
});

it("judges neither too few nor strings of different lengths", () => {
  expect(() => uniformityOf([randomBytes(12)])).toThrow(RangeError);
  expect(() => uniformityOf([...drawn(() => randomBytes(12)), randomBytes(11)])).toThrow(RangeError);
});
