import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, utf8 } from "./bytes.ts";
import { EnvelopeError } from "./envelope-error.ts";
import { decodeObjectName, decodeSecret, encodeSecret, type StoredSecret } from "./kubernetes-object.ts";
import { fromHex, vector } from "./vectors.ts";

const tlsSecret: StoredSecret = {
  metadata: {
    name: "tls-x7f2k",
    generateName: "tls-",
    namespace: "web",
    uid: "0b7f3a52-6a3e-4f5c-9d20-3b1de9a4a111",
    creationTimestamp: "2023-11-14T22:13:20Z",
    labels: new Map([
      ["tier", "front"],
      ["app", "shop"],
      ["empty", ""],
    ]),
    annotations: new Map([
      ["example.com/b", "2"],
      ["example.com/a", "ä"],
    ]),
  },
  type: "kubernetes.io/tls",
  immutable: true,
  data: new Map([
    ["tls.key", Uint8Array.of(1, 2, 255)],
    ["ca.crt", new Uint8Array(0)],
    ["tls.crt", new Uint8Array(200).fill(0x63)],
  ]),
};
/** The same Secret as the protobuf serializer of k8s.io/apimachinery v0.37.2 writes it. */
const tlsSecretOfGo = concat(
  fromHex(
    "6b3873000a0c0a027631120653656372657412a7030a9c010a09746c732d783766326b1204746c732d1a0377656222002a2430623766336135322d366133652d" +
      "346635632d396432302d3362316465396134613131313200380042080880e2cfaa0610005a0b0a03617070120473686f705a090a05656d70747912005a0d0a" +
      "0474696572120566726f6e7462130a0d6578616d706c652e636f6d2f611202c3a462120a0d6578616d706c652e636f6d2f62120132120a0a0663612e637274" +
      "120012d4010a07746c732e63727412c801",
  ),
  new Uint8Array(200).fill(0x63),
  fromHex("120e0a07746c732e6b657912030102ff1a116b756265726e657465732e696f2f746c7328011a002200"),
);

const smallSecret: StoredSecret = {
  metadata: { name: "a", namespace: "", uid: "", labels: new Map(), annotations: new Map() },
  type: "",
  data: new Map(),
};
const smallSecretOfGo = fromHex("6b3873000a0c0a027631120653656372657412150a110a016112001a0022002a003200380042001a001a002200");

const json = (value: unknown) => utf8(JSON.stringify(value));

describe("encodeSecret", () => {
  it("writes what Go writes", () => {
    expect(encodeSecret(tlsSecret)).toEqual(tlsSecretOfGo);
  });

  it("writes the empty fields that Go writes", () => {
    expect(encodeSecret(smallSecret)).toEqual(smallSecretOfGo);
  });
});

describe("decodeSecret", () => {
  it("reads what Go writes, and keeps false apart from unset", () => {
    expect(decodeSecret(tlsSecretOfGo)).toEqual(tlsSecret);
    expect(decodeSecret(smallSecretOfGo)).toEqual(smallSecret);
    expect(decodeSecret(encodeSecret({ ...smallSecret, immutable: false }))).toEqual({ ...smallSecret, immutable: false });
  });

  it("reads what encodeSecret wrote", () => {
    const name = fc.string({ minLength: 1, maxLength: 20 });
    const texts = fc
      .uniqueArray(fc.tuple(name, fc.string({ unit: "grapheme" })), { selector: ([key]) => key })
      .map((pairs) => new Map(pairs));
    const secret = fc.record({
      metadata: fc.record({
        name,
        namespace: name,
        uid: fc.uuid(),
        creationTimestamp: fc.nat(4_000_000_000).map((seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z")),
        labels: texts,
        annotations: texts,
      }),
      type: fc.string(),
      data: fc
        .uniqueArray(fc.tuple(fc.oneof(name, fc.constant("__proto__")), fc.uint8Array()), { selector: ([key]) => key })
        .map((pairs) => new Map(pairs)),
    });
    fc.assert(
      fc.property(secret, (any) => {
        expect(decodeSecret(encodeSecret(any))).toEqual(any);
      }),
    );
  });

  it.each([
    ["upstream-legacy-v1.27-gcm-key", "dek-source-aes-gcm-key", "2023-09-01T15:56:49Z", "1f4a8f7b-01b4-49d1-b898-751eb56937f1"],
    [
      "upstream-legacy-v1.28-hkdf",
      "dek-source-hkdf-sha256-xnonce-aes-gcm-seed",
      "2023-09-01T14:23:13Z",
      "87c514b4-9c26-4041-ad0d-0d07dca557ed",
    ],
  ])("reads the Secret of %s, and skips its managedFields", (vectorName, name, creationTimestamp, uid) => {
    expect(decodeSecret(vector(vectorName).Plain)).toEqual({
      metadata: { name, namespace: "kms-v2-legacy-data", uid, creationTimestamp, labels: new Map(), annotations: new Map() },
      type: "Opaque",
      data: new Map([["api_key", utf8("086a7ffc-0225-11e8-ba89-0ed5f89f718b")]]),
    });
  });

  it("reads JSON", () => {
    const read = decodeSecret(
      json({
        kind: "Secret",
        apiVersion: "v1",
        metadata: {
          ...tlsSecret.metadata,
          creationTimestamp: "2023-11-14T23:13:20+01:00",
          labels: Object.fromEntries(tlsSecret.metadata.labels),
          annotations: Object.fromEntries(tlsSecret.metadata.annotations),
          managedFields: [],
        },
        data: { "tls.key": "AQL/", "ca.crt": "", "tls.crt": Buffer.alloc(200, "c").toString("base64") },
        type: "kubernetes.io/tls",
        immutable: true,
      }),
    );
    expect(read).toEqual(tlsSecret);
  });

  it("reads JSON with next to nothing in it", () => {
    const metadata = { name: "a", creationTimestamp: null };
    expect(decodeSecret(json({ kind: "Secret", apiVersion: "v1", metadata, data: null }))).toEqual(smallSecret);
  });

  it("keeps a JSON key that JavaScript has a use for", () => {
    const text = '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"},"data":{"__proto__":"AQ=="}}';
    expect(decodeSecret(utf8(text)).data).toEqual(new Map([["__proto__", Uint8Array.of(1)]]));
  });

  it.each([
    ["nothing", utf8("")],
    ["an encrypted value", utf8("k8s:enc:aesgcm:v1:key1:body")],
    ["broken JSON", utf8('{"kind":')],
    ["JSON data that is not base64", json({ kind: "Secret", apiVersion: "v1", metadata: {}, data: { a: "?" } })],
    ["a time that no calendar has", fromHex("6b3873000a0c0a0276311206536563726574120e0a0c420a08ffffffffffffffff7f")],
  ])("refuses %s", (_, plaintext) => {
    expect(() => decodeSecret(plaintext)).toThrow(expect.objectContaining({ code: "object-unknown" }));
  });

  it.each([
    ["protobuf of another kind", concat(fromHex("6b3873000a0f0a027631"), utf8("\x12\x09ConfigMap"), fromHex("1200"))],
    ["JSON of another kind", json({ kind: "ConfigMap", apiVersion: "v1", metadata: {} })],
    ["JSON of another version", json({ kind: "Secret", apiVersion: "v2", metadata: {} })],
  ])("refuses %s", (_, plaintext) => {
    expect(() => decodeSecret(plaintext)).toThrow(expect.objectContaining({ code: "not-a-secret" }));
  });

  it("refuses any bytes behind the magic with an EnvelopeError or takes them", () => {
    const header = tlsSecretOfGo.subarray(0, 18);
    fc.assert(
      fc.property(fc.constantFrom(header, utf8("{"), header.subarray(0, 4)), fc.uint8Array({ maxLength: 100 }), (start, rest) => {
        try {
          decodeSecret(concat(start, rest));
        } catch (thrown) {
          if (!(thrown instanceof EnvelopeError)) throw thrown;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("decodeObjectName", () => {
  it("reads a Secret's, as Go wrote it", () => {
    expect(decodeObjectName(tlsSecretOfGo)).toEqual({ name: "tls-x7f2k", namespace: "web" });
  });

  it("reads any object's, of JSON too", () => {
    const text = JSON.stringify({ apiVersion: "example.com/v1", kind: "Panda", metadata: { name: "bao" }, spec: { legs: 4 } });
    expect(decodeObjectName(utf8(text))).toEqual({ name: "bao", namespace: "" });
  });

  it.each([
    ["something else", utf8("something else"), "object-unknown"],
    ["JSON without metadata", utf8("{}"), "object-unknown"],
    ["broken JSON", utf8("{"), "object-unknown"],
    ["a cut protobuf", tlsSecretOfGo.subarray(0, 30), "protobuf-malformed"],
  ])("refuses %s", (_what, bytes, code) => {
    expect(() => decodeObjectName(bytes)).toThrow(expect.objectContaining({ code }));
  });

  it("throws nothing but an EnvelopeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeObjectName(concat(tlsSecretOfGo.subarray(0, 4), bytes));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(EnvelopeError);
        }
      }),
    );
  });
});
