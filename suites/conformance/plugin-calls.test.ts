import { expect, it } from "vitest";
import { exchangedHalves } from "./plugin-calls.ts";

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const text = (exchanged: Uint8Array) => Buffer.from(exchanged).toString();

it("puts the halves of two ciphertexts together", () => {
  expect(text(exchangedHalves(bytes("aaaa"), bytes("bbbb")))).toBe("aabb");
});

it("makes neither of the two where both begin with the same key's name", () => {
  expect(text(exchangedHalves(bytes("namename1234"), bytes("namename5678")))).toBe("namename1678");
});
