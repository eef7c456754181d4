import { describe, expect, it } from "vitest";
import badFiles from "./bad-files.json" with { type: "json" };
import { readEncryptionFile, startError } from "./index.ts";

// What v1.37.2 says of each file stands in bad-files.json; messages.real.test.ts asks a kube-apiserver again.
describe("what kube-apiserver says of", () => {
  it.each(badFiles)("$what", ({ text, automaticReload = false, says }) => {
    const { configuration, faults } = readEncryptionFile(text, { automaticReload, allowsKmsV1: false });
    expect(configuration).toBeUndefined();
    expect(startError(faults, "FILE")).toBe(says);
  });
});
