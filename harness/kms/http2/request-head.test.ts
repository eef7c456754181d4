import { expect, it } from "vitest";
import type { Header } from "./hpack.ts";
import { areTrailers, requestHeadOf } from "./request-head.ts";

const headers: readonly Header[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/a.B/C"],
  ["content-type", "application/grpc"],
];
const headOf = (...more: Header[]) => requestHeadOf([...headers, ...more]);

it("reads path, timeout and length", () => {
  expect(headOf()).toEqual({ path: "/a.B/C", timeoutMs: undefined, contentBytes: undefined });
  expect(headOf(["grpc-timeout", "12345678n"], ["content-length", "12"])).toEqual({
    path: "/a.B/C",
    timeoutMs: expect.closeTo(12.345678, 9),
    contentBytes: 12,
  });
});

it.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3000],
  ["4m", 4],
  ["5u", 0.005],
  ["0n", 0],
])("takes the timeout %s for %d ms", (timeout, timeoutMs) => {
  expect(headOf(["grpc-timeout", timeout])).toMatchObject({ timeoutMs });
});

it.each(["", "S", "3", "-3S", "123456789S", "3s", "3.5S", "3 S"])("refuses the timeout %j", (timeout) => {
  expect(headOf(["grpc-timeout", timeout])).toMatchObject({ httpStatus: 200, grpcCode: 13 });
});

it.each(["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8", "Application/gRPC"])(
  "takes the content-type %s",
  (type) => {
    expect(requestHeadOf([...headers.slice(0, 3), ["content-type", type]])).toMatchObject({ path: "/a.B/C" });
  },
);

it("takes the message encoding identity, and a tab within a value", () => {
  expect(headOf(["grpc-encoding", "identity"], ["x-a", "a\tb"])).toMatchObject({ path: "/a.B/C" });
});

it("takes two lengths that agree and no others", () => {
  expect(headOf(["content-length", "1"], ["content-length", "1"])).toMatchObject({ contentBytes: 1 });
  expect(headOf(["content-length", "1"], ["content-length", "2"])).toBe("malformed");
});

it("knows trailers from headers", () => {
  expect(areTrailers([["x-checksum", "1"]])).toBe(true);
  expect([areTrailers([[":path", "/"]]), areTrailers([["connection", "close"]]), areTrailers([["x", "a\nb"]])]).toEqual([
    false,
    false,
    false,
  ]);
});
