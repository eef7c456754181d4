import { expect, test } from "vitest";
import { textOfLog } from "./containers.ts";

const frame = (stream: number, text: string) => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

test("both streams of a log are put together in their order", () => {
  expect(textOfLog(Buffer.concat([frame(1, "out\n"), frame(2, "é\n"), frame(1, "")]))).toBe("out\né\n");
});

test("a log that is cut ends where it is cut", () => {
  expect(textOfLog(Buffer.concat([frame(1, "whole\n"), frame(1, "half\n").subarray(0, 10)]))).toBe("whole\nha");
  expect(textOfLog(Buffer.from([1, 0, 0]))).toBe("");
});
