import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Needles } from "./needles.ts";

const secret = Buffer.from("kmsmark-0123456789abcdef\xff\xfe", "latin1");
const needles = new Needles([["the secret", secret]]);

async function* cut(text: Uint8Array, every: number) {
  for (let at = 0; at < text.length; at += every) yield text.subarray(at, at + every);
}

const within = (text: Buffer) => Buffer.concat([Buffer.from("before "), text, Buffer.from(" behind")]);

const spelled: [string, Buffer][] = [
  ["as it is", secret],
  ["hex", Buffer.from(secret.toString("hex"))],
  ["HEX", Buffer.from(secret.toString("hex").toUpperCase())],
  ["hex with spaces", Buffer.from(secret.toString("hex").replaceAll(/(..)(?=.)/g, "$1 "))],
  ["decimals", Buffer.from(`[${[...secret].join(" ")}]`)],
  ["decimals with commas", Buffer.from(JSON.stringify(secret))],
  ["decimals with commas and spaces", Buffer.from(`[${[...secret].join(", ")}]`)],
  ...[0, 1, 2].map((before): [string, Buffer] => [
    "base64",
    Buffer.from(Buffer.concat([Buffer.alloc(before, 0xee), secret, Buffer.from("more")]).toString("base64")),
  ]),
  ["base64url", Buffer.from(secret.toString("base64url"))],
];

it.each(spelled)("finds what is spelled %s", async (spelling, text) => {
  const { found, bytes } = await needles.in(cut(within(text), 7));
  expect(found).toEqual([{ label: "the secret", spelling, times: 1 }]);
  expect(bytes).toBe(within(text).length);
});

it("counts, wherever the chunks are cut, and finds nothing in what looks alike", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(5), fc.integer({ min: 1, max: 50 }), fc.uint8Array({ maxLength: 60 }), async (times, every, other) => {
      const almost = Buffer.from(secret);
      almost[almost.length - 1] = 0;
      const text = Buffer.concat([other, ...Array.from({ length: times }, () => Buffer.concat([secret, almost, other]))]);
      const { found } = await needles.in(cut(text, every));
      expect(found).toEqual(times === 0 ? [] : [{ label: "the secret", spelling: "as it is", times }]);
    }),
  );
});

it("tells many from each other", async () => {
  const many = Array.from({ length: 500 }, (_, index) => [`secret ${index}`, randomBytes(16)] as const);
  const { found } = await new Needles(many).in(cut(Buffer.concat(many.map(([, bytes]) => bytes)), 1000));
  expect(found.map(({ label }) => label).sort()).toEqual(many.map(([label]) => label).sort());
});

it("refuses to look for what is too short", () => {
  expect(() => new Needles([["a word", Buffer.from("short")]])).toThrow(RangeError);
});
