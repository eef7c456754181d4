import { expect, it } from "vitest";
import { nearest } from "./nearest.ts";

it.each([
  ["wirte", "write"],
  ["Write", "write"],
  ["updates", "update"],
  ["kmsv2", "kms-v2"],
  ["p98", "p99"],
])("takes %s for %s", (wrong, meant) => {
  expect(nearest(wrong, ["read", "write", "update", "kms-v1x", "kms-v2", "p99"])).toBe(meant);
});

it("says nothing where none is near", () => {
  expect(nearest("throughput", ["read", "write", "p99"])).toBeUndefined();
  expect(nearest("x", [])).toBeUndefined();
});
