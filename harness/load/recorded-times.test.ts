import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readRecordedTimes } from "./recorded-times.ts";

const folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = (text: string) => {
  const path = join(folder, "recording.csv");
  writeFileSync(path, text);
  return path;
};

it("reads what the tap records, in the order of the starts, and past quotes, commas and line ends", () => {
  const text =
    "sequence,kms,method,key_id,start_ms,duration_ms\n" +
    '0,v2,Encrypt,"a,""b""\nc",12.5,1\r\n' +
    "1,v2,Status,,3,1\n" +
    "2,v2,Decrypt,'=x,7,1";
  expect(readRecordedTimes(fileOf(text))).toEqual(Float64Array.of(3, 7, 12.5));
});

it("takes the due times of kmsmark's own requests", () => {
  expect(readRecordedTimes(fileOf("phase,index,due_ms,sent_ms,start_ms\nwrite,0,1,2,3\n"))).toEqual(Float64Array.of(1));
});

it.each([
  ["", "names no column start_ms or due_ms"],
  ["a,b\n1,2\n", "names no column start_ms or due_ms"],
  ["start_ms\n", "there is no call in it"],
  ["start_ms\n1\nsoon\n", '"soon" in row 2 is no time'],
  ["a,start_ms\n1,\n", '"" in row 1 is no time'],
  ["start_ms\n-1\n", '"-1" in row 1 is no time'],
])("refuses %j", (text, why) => {
  expect(() => readRecordedTimes(fileOf(text))).toThrow(why);
});

it("says that there is no file, or none that it may read", () => {
  expect(() => readRecordedTimes(join(folder, "none.csv"))).toThrow("none.csv cannot be replayed: there is no such file.");
  expect(() => readRecordedTimes(folder)).toThrow("it cannot be read (EISDIR).");
});
