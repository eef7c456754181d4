import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type KmsMethod, kmsV1Service, kmsV2Service } from "./messages.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const plainHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const text = fc.string({ unit: "grapheme" });
const bytes = fc.uint8Array({ maxLength: 300 });
const annotations = fc.uniqueArray(fc.tuple(text, bytes), { selector: ([key]) => key, maxLength: 5 }).map((entries) => new Map(entries));

function roundTrips<Request, Response>(
  method: KmsMethod<Request, Response>,
  requests: fc.Arbitrary<Request>,
  responses: fc.Arbitrary<Response>,
): void {
  it(`gives every message of ${method.path} back`, () => {
    fc.assert(
      fc.property(requests, responses, (request, response) => {
        expect(method.requestDeserialize(method.requestSerialize(request))).toEqual(request);
        expect(method.responseDeserialize(method.responseSerialize(response))).toEqual(response);
        // A field that nobody knows, at the end.
        expect(method.requestDeserialize(Buffer.concat([method.requestSerialize(request), hex("980301")]))).toEqual(request);
      }),
    );
  });
}

describe("both services", () => {
  const encrypted = fc.record({ ciphertext: bytes, keyId: text, annotations });
  const version = fc.record({ version: text });
  roundTrips(kmsV2Service.Status, fc.constant({}), fc.record({ version: text, healthz: text, keyId: text }));
  roundTrips(kmsV2Service.Encrypt, fc.record({ plaintext: bytes, uid: text }), encrypted);
  roundTrips(kmsV2Service.Decrypt, fc.record({ ciphertext: bytes, uid: text, keyId: text, annotations }), fc.record({ plaintext: bytes }));
  roundTrips(kmsV1Service.Version, version, fc.record({ version: text, runtimeName: text, runtimeVersion: text }));
  roundTrips(kmsV1Service.Encrypt, fc.record({ version: text, plain: bytes }), fc.record({ cipher: bytes }));
  roundTrips(kmsV1Service.Decrypt, fc.record({ version: text, cipher: bytes }), fc.record({ plain: bytes }));
});

describe("the bytes on the wire", () => {
  it("are those of the protos' field numbers", () => {
    const { Status, Encrypt, Decrypt } = kmsV2Service;
    const one = new Map([["a.b", hex("ff")]]);
    expect(plainHex(Status.responseSerialize({ version: "v2", healthz: "ok", keyId: "k" }))).toBe("0a027632" + "12026f6b" + "1a016b");
    expect(plainHex(Encrypt.requestSerialize({ plaintext: hex("01"), uid: "u" }))).toBe("0a0101" + "120175");
    expect(plainHex(Encrypt.responseSerialize({ ciphertext: hex("01"), keyId: "k", annotations: one }))).toBe(
      "0a0101" + "12016b" + "1a08" + "0a03612e62" + "1201ff",
    );
    expect(plainHex(Decrypt.requestSerialize({ ciphertext: hex("01"), uid: "u", keyId: "k", annotations: one }))).toBe(
      "0a0101" + "120175" + "1a016b" + "2208" + "0a03612e62" + "1201ff",
    );
    expect(plainHex(kmsV1Service.Encrypt.requestSerialize({ version: "v1beta1", plain: hex("01") }))).toBe("0a07763162657461311201" + "01");
    expect(plainHex(kmsV1Service.Version.responseSerialize({ version: "v", runtimeName: "n", runtimeVersion: "r" }))).toBe(
      "0a0176" + "12016e" + "1a0172",
    );
  });

  it("leave out defaults, except in a map's entry", () => {
    expect(kmsV2Service.Encrypt.requestSerialize({ plaintext: hex(""), uid: "" })).toHaveLength(0);
    const empty = new Map([["", hex("")]]);
    expect(plainHex(kmsV2Service.Encrypt.responseSerialize({ ciphertext: hex(""), keyId: "", annotations: empty }))).toBe(
      "1a04" + "0a001200",
    );
  });
});

describe("decoding", () => {
  const decode = (text: string) => kmsV2Service.Encrypt.responseDeserialize(hex(text));

  it("takes no bytes for a message of defaults", () => {
    expect(decode("")).toEqual({ ciphertext: hex(""), keyId: "", annotations: new Map() });
  });

  it("skips unknown fields of every wire type", () => {
    const unknown = "9803 01" + "9903 0102030405060708" + "9a03 01ff" + "9b03 9c03" + "9d03 01020304";
    expect(decode(`${unknown} 12016b ${unknown}`).keyId).toBe("k");
  });

  it("skips a known field of the wrong wire type", () => {
    expect(decode("1005" + "12016b").keyId).toBe("k");
  });

  it("lets the last of a repeated field win", () => {
    expect(decode("12016b 12016c").keyId).toBe("l");
    expect(decode("1a08 0a03612e62 1201ff 1a08 0a03612e62 1201ee").annotations).toEqual(new Map([["a.b", hex("ee")]]));
  });

  it("fills in what a map's entry leaves out", () => {
    expect(decode("1a05 0a03612e62").annotations).toEqual(new Map([["a.b", hex("")]]));
    expect(decode("1a03 1201ff").annotations).toEqual(new Map([["", hex("ff")]]));
  });

  it.each([
    ["a length beyond the end", "0a05 01"],
    ["half a tag", "0aff"],
    ["a string that is not UTF-8", "1201ff"],
    ["a map's key that is not UTF-8", "1a03 0a01ff"],
    ["field number 0", "0201ff"],
    ["a map's entry cut short", "1a03 0a0361"],
  ])("refuses %s", (_what, wrong) => {
    expect(() => decode(wrong)).toThrow();
  });

  it("throws or returns, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (wild) => {
        try {
          kmsV2Service.Decrypt.requestDeserialize(wild);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Error);
        }
      }),
    );
  });

  it("makes plain Uint8Arrays of the Buffers that grpc-js hands over", () => {
    expect(kmsV2Service.Decrypt.responseDeserialize(Buffer.from("0a01ff", "hex")).plaintext.constructor).toBe(Uint8Array);
  });
});
