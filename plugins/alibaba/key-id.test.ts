import fc from "fast-check";
import { expect, it } from "vitest";
import { formatKeyId, parseKeyId } from "./key-id.ts";

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);

it("is read as it was written, and tells every two key versions apart", () => {
  fc.assert(
    fc.property(id, id, id, id, (keyId, versionId, otherKey, otherVersion) => {
      expect(parseKeyId(formatKeyId({ keyId, versionId }))).toEqual({ keyId, versionId });
      const isSame = keyId === otherKey && versionId === otherVersion;
      expect(formatKeyId({ keyId, versionId }) === formatKeyId({ keyId: otherKey, versionId: otherVersion })).toBe(isSame);
    }),
  );
});

it("is at most 1024 bytes long", () => {
  expect(formatKeyId({ keyId: "k".repeat(128), versionId: "v".repeat(128) })).toHaveLength(257);
});

it("is nothing but what is written so", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parts = parseKeyId(text);
      if (parts !== undefined) expect(formatKeyId(parts)).toBe(text);
    }),
  );
});

it.each(["", "/", "key", "key/", "/version", "key/version/more", "key/ver sion", "key/version\n", "-key/version", `${"k".repeat(129)}/v`])(
  "is not %j",
  (text) => {
    expect(parseKeyId(text)).toBeUndefined();
  },
);
