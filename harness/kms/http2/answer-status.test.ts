import fc from "fast-check";
import { expect, it } from "vitest";
import { statusOfBlock } from "./answer-status.ts";
import { encodeLiterals } from "./hpack.ts";

const rest = encodeLiterals([
  ["content-type", "application/json"],
  ["audit-id", "00000000-0000-4000-8000-000000000000"],
]);
/** Huffman code of the digits (RFC 7541 appendix B). */
const codeOfDigit = ["00000", "00001", "00010", "011001", "011010", "011011", "011100", "011101", "011110", "011111"];

/** The status behind `prefix`, as a string with or without Huffman code. */
function literal(prefix: number, status: number, isHuffman: boolean): Buffer {
  const text = String(status);
  if (!isHuffman) return Buffer.concat([Buffer.of(prefix, text.length), Buffer.from(text)]);
  const bits = [...text].map((digit) => codeOfDigit[Number(digit)]).join("");
  const bytes = (bits.padEnd(Math.ceil(bits.length / 8) * 8, "1").match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  return Buffer.from([prefix, 0x80 | bytes.length, ...bytes]);
}

/** As part of something longer, where it must not be read beyond its ends. */
function statusOf(...parts: readonly Buffer[]): number | undefined {
  const block = Buffer.concat(parts);
  return statusOfBlock(Buffer.concat([Buffer.from("xyz"), block, Buffer.from("xyz")]), 3, 3 + block.length);
}

it("reads every status in every form that it can have, whatever follows", () => {
  const status = fc.integer({ min: 100, max: 999 });
  // By the name of any of the static table's statuses: into a table, not into it, never.
  const prefix = fc.tuple(fc.constantFrom(0x40, 0x00, 0x10), fc.integer({ min: 8, max: 14 })).map(([form, index]) => form | index);
  fc.assert(
    fc.property(status, prefix, fc.boolean(), fc.boolean(), fc.integer({ min: 0, max: 2 }), (value, form, isHuffman, isAlone, resizes) => {
      const block = [Buffer.alloc(resizes, 0x20), literal(form, value, isHuffman), ...(isAlone ? [] : [rest])];
      expect(statusOf(...block)).toBe(value);
    }),
    { numRuns: 2000 },
  );
});

it("reads the statuses that have an index, and one whose name is spelled out", () => {
  for (const [at, status] of [200, 204, 206, 304, 400, 404, 500].entries()) expect(statusOf(Buffer.of(0x88 + at), rest)).toBe(status);
  expect(statusOf(encodeLiterals([[":status", "429"]]), rest)).toBe(429);
});

it("finds none in trailers", () => {
  expect(statusOf(rest)).toBeUndefined();
  expect(statusOf()).toBeUndefined();
});

it("refuses what is no status, and what refers to a table", () => {
  for (const text of ["20", "2000", "2x0", "099"]) expect(() => statusOf(encodeLiterals([[":status", text]]), rest)).toThrow("none");
  expect(() => statusOf(Buffer.of(0xbe), rest)).toThrow("in no table");
  expect(() => statusOf(Buffer.of(0x08, 0x03, 0x32))).toThrow("ends within a header");
});
