import fc from "fast-check";
import { expect, it } from "vitest";
import { frameBytes } from "./frames.ts";
import { type OnFrame, ReusedBufferFrames } from "./reused-buffer-frames.ts";

const payloadBytesMax = 300;
const frame = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  flags: fc.integer({ min: 0, max: 255 }),
  streamId: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  payload: fc.uint8Array({ maxLength: payloadBytesMax }).map((bytes) => Buffer.from(bytes).toString("hex")),
});
type Told = typeof frame extends fc.Arbitrary<infer Value> ? Value : never;

function bytesOf(frames: readonly Told[]): Buffer {
  return Buffer.concat(frames.map(({ type, flags, streamId, payload }) => frameBytes(type, flags, streamId, Buffer.from(payload, "hex"))));
}

/** A reader, and what it has told. */
function listening(goesOn: () => boolean = () => true): { reader: ReusedBufferFrames; told: Told[] } {
  const told: Told[] = [];
  const onFrame: OnFrame = (type, flags, streamId, bytes, from, to) => {
    told.push({ type, flags, streamId, payload: bytes.toString("hex", from, to) });
    return goesOn();
  };
  return { reader: new ReusedBufferFrames(payloadBytesMax, onFrame), told };
}

it("tells the same frames wherever they are cut, out of one buffer that is used again", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (frames, sizes) => {
      const { reader, told } = listening();
      const whole = bytesOf(frames);
      const chunk = Buffer.alloc(400);
      for (let at = 0, turn = 0; at < whole.length; turn++) {
        const size = Math.min(sizes[turn % sizes.length] ?? 1, whole.length - at);
        chunk.fill(0xff);
        whole.copy(chunk, 0, at, at + size);
        reader.read(chunk, size);
        at += size;
      }
      expect(told).toEqual(frames);
    }),
    { numRuns: 200 },
  );
});

it("tells no more once it is not to go on", () => {
  const frames = Array.from({ length: 3 }, (_, streamId) => ({ type: 0, flags: 0, streamId, payload: "aa" }));
  for (const cut of [0, 4, 9]) {
    const { reader, told } = listening(() => false);
    const whole = bytesOf(frames);
    reader.read(whole, cut);
    reader.read(whole.subarray(cut), whole.length - cut);
    expect(told).toEqual(frames.slice(0, 1));
  }
});

it("refuses a frame that is longer than allowed as soon as its header is there", () => {
  const tooLong = frameBytes(0, 0, 1, Buffer.alloc(payloadBytesMax + 1));
  for (const cut of [0, 5]) {
    const { reader, told } = listening();
    reader.read(tooLong, cut);
    expect(() => reader.read(tooLong.subarray(cut), 9 - cut)).toThrow("a frame has 301 bytes");
    expect(told).toEqual([]);
  }
});
