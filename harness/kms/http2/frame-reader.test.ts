import fc from "fast-check";
import { expect, it } from "vitest";
import { FrameReader } from "./frame-reader.ts";
import { clientPreface, frameBytes, frameTypes } from "./frames.ts";

const frames = [
  frameBytes(frameTypes.settings, 0, 0, Buffer.from("000100000040", "hex")),
  frameBytes(frameTypes.headers, 4, 1, Buffer.from("82868441", "hex")),
  frameBytes(frameTypes.data, 1, 1, Buffer.alloc(300, 7)),
  frameBytes(0x42, 0xff, 0x7fffffff, Buffer.alloc(0)),
];
const wire = Buffer.concat([clientPreface, ...frames]);

/** The frames that were read from the pieces, as they would be sent again. */
function read(pieces: readonly Buffer[], wanted = Number.POSITIVE_INFINITY): Buffer[] {
  const taken: Buffer[] = [];
  const reader = new FrameReader((type, flags, streamId, bytes, start, end) => {
    taken.push(frameBytes(type, flags, streamId, bytes.subarray(start, end)));
    return taken.length < wanted;
  });
  for (const piece of pieces) reader.read(piece);
  return taken;
}

it("finds the same frames wherever the bytes are cut in two", () => {
  for (let at = 0; at <= wire.length; at++) expect(read([wire.subarray(0, at), wire.subarray(at)])).toEqual(frames);
});

it("finds the same frames byte by byte, and however else the bytes are cut", () => {
  expect(read(Array.from(wire, (byte) => Buffer.of(byte)))).toEqual(frames);
  fc.assert(
    fc.property(fc.array(fc.nat(wire.length)), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), wire.length];
      expect(read(at.slice(1).map((to, index) => wire.subarray(at[index], to)))).toEqual(frames);
    }),
  );
});

it("takes the reserved bit before the stream's number for nothing", () => {
  expect(read([clientPreface, Buffer.from("000000000080000001", "hex")])).toEqual([frameBytes(0, 0, 1, Buffer.alloc(0))]);
});

it("hands out no more when it is told to stop", () => {
  expect(read([wire], 2)).toEqual(frames.slice(0, 2));
});

it("refuses a client that begins otherwise at its first wrong byte", () => {
  expect(() => read([Buffer.from("PRI * HTTP/1")])).toThrow(expect.objectContaining({ errorCode: 1 }));
  expect(() => read([clientPreface.subarray(0, 20), Buffer.from("x")])).toThrow("preface");
});

it("refuses a frame of more than 16,384 bytes before it has come", () => {
  expect(read([clientPreface, frameBytes(0, 0, 1, Buffer.alloc(16_384))])).toHaveLength(1);
  expect(() => read([clientPreface, Buffer.from("004001000000000001", "hex")])).toThrow(expect.objectContaining({ errorCode: 6 }));
});
