import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageScanner } from "./message-scanner.ts";
import { kmsV2Service } from "./messages.ts";

/** A gRPC message with its prefix. */
function prefixed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function scan(pieces: readonly Buffer[], wanted: ReadonlyMap<number, number>): MessageScanner {
  const scanner = new MessageScanner(wanted);
  for (const piece of pieces) scanner.push(piece);
  return scanner;
}

const uidAndKeyId = new Map([
  [2, 1024],
  [3, 1024],
]);

it("reads the names off every Decrypt request, however it is cut", () => {
  const request = fc.record({
    ciphertext: fc.uint8Array({ maxLength: 400 }),
    uid: fc.string({ minLength: 1 }),
    keyId: fc.string({ minLength: 1 }),
    annotations: fc.array(fc.tuple(fc.string(), fc.uint8Array())).map((entries) => new Map(entries)),
  });
  fc.assert(
    fc.property(request, fc.array(fc.nat()), (message, cuts) => {
      const encoded = kmsV2Service.Decrypt.requestSerialize(message);
      const bytes = prefixed(encoded);
      const at = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
      const scanner = scan(
        at.slice(1).map((to, index) => bytes.subarray(at[index], to)),
        uidAndKeyId,
      );
      expect(scanner.problem).toBeUndefined();
      expect(scanner.messageBytes).toBe(encoded.length);
      expect(scanner.field(2)?.toString()).toBe(message.uid);
      expect(scanner.field(3)?.toString()).toBe(message.keyId);
      expect(scanner.field(1)).toBeUndefined();
    }),
  );
});

it("keeps no more of a field than was asked for", () => {
  const message = kmsV2Service.Encrypt.requestSerialize({ plaintext: Buffer.from("pingpong"), uid: "u" });
  expect(
    scan([prefixed(message)], new Map([[1, 5]]))
      .field(1)
      ?.toString(),
  ).toBe("pingp");
});

it("steps over numbers and fixed-size values, and takes the last of a repeated field", () => {
  const message = Buffer.from(`08ffffffffffffffffff01 11${"22".repeat(8)} 1d${"33".repeat(4)} 120161 120162`.replaceAll(" ", ""), "hex");
  const scanner = scan([prefixed(message)], uidAndKeyId);
  expect([scanner.field(2)?.toString(), scanner.problem]).toEqual(["b", undefined]);
});

it("knows an empty message from none", () => {
  expect([scan([prefixed(Buffer.alloc(0))], uidAndKeyId).problem, scan([], uidAndKeyId).problem]).toEqual([undefined, undefined]);
});

describe("a message that cannot be read", () => {
  const good = prefixed(kmsV2Service.Encrypt.requestSerialize({ plaintext: Buffer.from("dek"), uid: "u" }));
  it.each([
    ["a compressed one", Buffer.concat([Buffer.of(1), good.subarray(1)]), "is compressed"],
    ["one that ends in its prefix", good.subarray(0, 3), "ends within its prefix"],
    ["one that ends too early", good.subarray(0, -1), "ends too early"],
    ["one with another behind it", Buffer.concat([good, good]), "is followed by another one"],
    ["a group", prefixed(Buffer.of(0x0b)), "is no protobuf message"],
    ["a length beyond the end", prefixed(Buffer.of(0x0a, 0x05, 0x61)), "is no protobuf message"],
    ["a tag that does not end", prefixed(Buffer.alloc(10, 0xff)), "is no protobuf message"],
  ])("is said to be one: %s", (_name, bytes, problem) => {
    expect(scan([bytes], uidAndKeyId).problem).toBe(problem);
    expect(
      scan(
        Array.from(bytes, (byte) => Buffer.of(byte)),
        uidAndKeyId,
      ).problem,
    ).toBe(problem);
  });
});
