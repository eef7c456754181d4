import fc from "fast-check";
import { expect, it } from "vitest";
import {
  clientPreface,
  FrameSplitter,
  frameBytes,
  frameFlags,
  frameTypes,
  headersBytes,
  headerTableSizeSetting,
  settingOf,
  unpadded,
  windowUpdateBytes,
} from "./frames.ts";

const frames = [
  clientPreface,
  frameBytes(frameTypes.settings, 0, 0, Buffer.from("000100000040", "hex")),
  frameBytes(frameTypes.headers, frameFlags.endHeaders, 1, Buffer.from("82868441", "hex")),
  frameBytes(frameTypes.data, frameFlags.endStream, 1, Buffer.alloc(300, 7)),
  frameBytes(0x42, 0xff, 0x7fffffff, Buffer.alloc(0)),
];
const wire = Buffer.concat(frames);

function split(pieces: readonly Buffer[]): Buffer[] {
  const splitter = new FrameSplitter(true);
  return pieces.flatMap((piece) => [...splitter.split(piece)].map(({ bytes }) => Buffer.from(bytes)));
}

it("finds the same frames wherever the bytes are cut in two", () => {
  for (let at = 0; at <= wire.length; at++) expect(split([wire.subarray(0, at), wire.subarray(at)])).toEqual(frames);
});

it("finds the same frames byte by byte", () => {
  expect(split(Array.from(wire, (byte) => Buffer.of(byte)))).toEqual(frames);
});

it("finds the same frames however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(wire.length)), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), wire.length];
      expect(split(at.slice(1).map((to, index) => wire.subarray(at[index], to)))).toEqual(frames);
    }),
  );
});

it("reads type, flags, stream and payload", () => {
  const [frame] = new FrameSplitter(false).split(Buffer.from("0000020005800000096162", "hex"));
  expect(frame).toEqual({
    type: frameTypes.data,
    flags: 5,
    streamId: 9,
    bytes: Buffer.from("0000020005800000096162", "hex"),
    payload: Buffer.from("ab"),
  });
});

it("gives back what it has not handed out, wherever the bytes are cut in two", () => {
  for (let at = 0; at <= wire.length; at++) {
    const splitter = new FrameSplitter(true);
    const handedOut = [...splitter.split(wire.subarray(0, at))].map(({ bytes }) => bytes);
    // The consumer stops after one frame of the second piece.
    for (const { bytes } of splitter.split(wire.subarray(at))) {
      handedOut.push(bytes);
      break;
    }
    expect(Buffer.concat([...handedOut, splitter.takeRest()])).toEqual(wire);
  }
});

it("refuses a client that begins otherwise, and gives its bytes back", () => {
  const splitter = new FrameSplitter(true);
  const request = Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(() => [...splitter.split(request)]).toThrow("preface");
  expect(splitter.takeRest()).toEqual(request);
});

it.each([
  ["plain DATA", frameTypes.data, 0, "6162", "6162"],
  ["padded DATA", frameTypes.data, frameFlags.padded, "026162 0000", "6162"],
  ["HEADERS with priority", frameTypes.headers, frameFlags.priority, "00000000 10 82", "82"],
  ["padded HEADERS with priority", frameTypes.headers, frameFlags.padded | frameFlags.priority, "01 00000000 10 82 00", "82"],
])("takes the padding off %s", (_name, type, flags, payload, content) => {
  const bytes = frameBytes(type, flags, 1, Buffer.from(payload.replaceAll(" ", ""), "hex"));
  const [frame] = new FrameSplitter(false).split(bytes);
  expect(frame === undefined ? undefined : unpadded(frame)).toEqual(Buffer.from(content, "hex"));
});

it("refuses padding that is longer than the frame", () => {
  const [frame] = new FrameSplitter(false).split(frameBytes(frameTypes.data, frameFlags.padded, 1, Buffer.from("0361", "hex")));
  expect(() => frame !== undefined && unpadded(frame)).toThrow("padding");
});

it("takes the last value of a setting", () => {
  const [frame] = new FrameSplitter(false).split(
    frameBytes(frameTypes.settings, 0, 0, Buffer.from("000100000040000400000001000100000080", "hex")),
  );
  expect(frame === undefined ? undefined : settingOf(frame, headerTableSizeSetting)).toBe(128);
});

it("writes a header block that is too long for one frame into several", () => {
  const block = Buffer.alloc(40_000, 7);
  const written = [...new FrameSplitter(false).split(headersBytes(3, frameFlags.endStream, block))];
  expect(written.map(({ type, flags, streamId, payload }) => [type, flags, streamId, payload.length])).toEqual([
    [frameTypes.headers, frameFlags.endStream, 3, 16_384],
    [frameTypes.continuation, 0, 3, 16_384],
    [frameTypes.continuation, frameFlags.endHeaders, 3, 7232],
  ]);
  expect(headersBytes(3, 0, Buffer.of(0x82)).toString("hex")).toBe("00000101040000000382");
});

it("writes the frame of RFC 9113 section 6.9", () => {
  expect(windowUpdateBytes(0, 65536).toString("hex")).toBe("00000408000000000000010000");
});
