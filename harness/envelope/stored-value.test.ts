import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, utf8 } from "./bytes.ts";
import { EnvelopeError } from "./envelope-error.ts";
import { buildStoredValue, kindPrefix, parseStoredValue, type StoredValue, splitStoredValue, storedPrefix } from "./stored-value.ts";
import { vectors } from "./vectors.ts";

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed());
const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/);
const annotationKey = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join("."));

const storedValue: fc.Arbitrary<StoredValue> = fc.oneof(
  fc.record({ kind: fc.constant("kms-v1" as const), providerName: name, edek: bytes(0, 300), payload: bytes(17, 100) }),
  fc.record({
    kind: fc.constant("kms-v2" as const),
    providerName: name,
    object: fc.record({
      encryptedData: bytes(1, 200),
      keyId: name,
      encryptedDekSource: bytes(1, 1024),
      annotations: fc
        .uniqueArray(fc.tuple(annotationKey, bytes(0, 50)), { selector: ([key]) => key, maxLength: 3 })
        .map((pairs) => new Map(pairs)),
      encryptedDekSourceType: fc.constantFrom(0, 1),
    }),
  }),
  fc.record({ kind: fc.constantFrom("aescbc" as const, "aesgcm" as const, "secretbox" as const), keyName: name, body: bytes(17, 100) }),
  fc.record({ kind: fc.constant("identity" as const), plaintext: bytes(0, 100) }),
);

function nameOf(value: StoredValue): string[] {
  if (value.kind === "identity") return [];
  return ["providerName" in value ? value.providerName : value.keyName];
}

/** Fails the test for anything thrown but an EnvelopeError. */
function parseSafely(stored: Uint8Array): void {
  try {
    parseStoredValue(stored);
  } catch (thrown) {
    if (!(thrown instanceof EnvelopeError)) throw thrown;
  }
}

describe("parseStoredValue", () => {
  it("takes apart what buildStoredValue put together, for every provider", () => {
    fc.assert(
      fc.property(storedValue, (value) => {
        expect(parseStoredValue(buildStoredValue(value), nameOf(value))).toEqual(value);
      }),
    );
  });

  it("refuses any byte string with an EnvelopeError or takes it", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("", "k8s:enc:", "k8s:enc:kms:v1:p:", "k8s:enc:kms:v2:p:", "k8s:enc:kms:v2:", "k8s:enc:aesgcm:v1:"),
        bytes(0, 200),
        (prefix, rest) => parseSafely(concat(utf8(prefix), rest)),
      ),
      { numRuns: 1000 },
    );
  });

  it("refuses a valid value with changed, cut or added bytes with an EnvelopeError or takes it", () => {
    const mutation = fc.tuple(fc.constantFrom(...vectors), fc.nat(), fc.nat(255), fc.nat(), bytes(0, 4));
    fc.assert(
      fc.property(mutation, ([{ Stored }, at, byte, length, added]) => {
        const mutant = concat(Stored.subarray(0, length % 4 === 0 ? length % Stored.length : Stored.length), added);
        mutant[at % mutant.length] = byte;
        parseSafely(mutant);
      }),
      { numRuns: 2000 },
    );
  });

  it("gives plain Uint8Arrays for a Buffer", () => {
    const parsed = parseStoredValue(Buffer.from("k8s:enc:aesgcm:v1:key1:body"));
    expect(parsed).toEqual({ kind: "aesgcm", keyName: "key1", body: utf8("body") });
  });

  it("ends a name at the first colon, unless a longer one is known", () => {
    const stored = utf8("k8s:enc:aescbc:v1:a:b:body");
    expect(parseStoredValue(stored)).toEqual({ kind: "aescbc", keyName: "a", body: utf8("b:body") });
    expect(parseStoredValue(stored, ["other", "a:b"])).toEqual({ kind: "aescbc", keyName: "a:b", body: utf8("body") });
  });

  it.each(["k8s:enc:", "k8s:enc:kms:v3:p:x", "k8s:enc:aesgcm:v1:", "k8s:enc:aesgcm:v1:key1", "k8s:enc:secretbox:v1::body"])(
    "finds no provider for %s",
    (text) => {
      expect(() => parseStoredValue(utf8(text))).toThrow(
        expect.objectContaining({ code: "no-matching-prefix", message: "no matching prefix found" }),
      );
    },
  );

  it("finds no provider for a name that is not UTF-8", () => {
    const stored = concat(utf8("k8s:enc:aesgcm:v1:"), Uint8Array.of(0xff), utf8(":body"));
    expect(() => parseStoredValue(stored)).toThrow(expect.objectContaining({ code: "no-matching-prefix" }));
  });

  it.each([
    ["no length", []],
    ["half a length", [0]],
    ["a length beyond the end", [0, 3, 1, 2]],
  ])("refuses a KMS v1 body with %s", (_, body) => {
    const stored = concat(utf8("k8s:enc:kms:v1:p:"), Uint8Array.from(body));
    expect(() => parseStoredValue(stored)).toThrow(
      expect.objectContaining({
        code: "edek-prefix",
        message: "invalid data encountered by envelope transformer: failed to read uint16 length prefixed data",
      }),
    );
  });

  it("refuses an empty KMS v2 body for its empty data", () => {
    expect(() => parseStoredValue(utf8("k8s:enc:kms:v2:p:"))).toThrow(
      expect.objectContaining({ code: "encrypted-data-empty", message: "encrypted data is empty" }),
    );
  });
});

describe("buildStoredValue", () => {
  it("refuses an EDEK that KMS v1 has no length for", () => {
    const value = { kind: "kms-v1", providerName: "p", payload: utf8("payload") } as const;
    expect(buildStoredValue({ ...value, edek: new Uint8Array(65535) })).toHaveLength(17 + 2 + 65535 + 7);
    expect(() => buildStoredValue({ ...value, edek: new Uint8Array(65536) })).toThrow(expect.objectContaining({ code: "edek-too-long" }));
  });

  it("refuses a KMS v2 object that breaks a rule", () => {
    const object = {
      encryptedData: utf8("data"),
      keyId: "",
      encryptedDekSource: utf8("edek"),
      annotations: new Map(),
      encryptedDekSourceType: 1,
    };
    expect(() => buildStoredValue({ kind: "kms-v2", providerName: "p", object })).toThrow(
      expect.objectContaining({ code: "key-id-empty", message: "failed to validate key id: keyID is empty" }),
    );
  });
});

describe("storedPrefix", () => {
  it.each([
    ["kms-v1", "k8s:enc:kms:v1:n:"],
    ["kms-v2", "k8s:enc:kms:v2:n:"],
    ["aescbc", "k8s:enc:aescbc:v1:n:"],
    ["aesgcm", "k8s:enc:aesgcm:v1:n:"],
    ["secretbox", "k8s:enc:secretbox:v1:n:"],
    ["identity", ""],
  ] as const)("of %s", (kind, prefix) => {
    expect(storedPrefix(kind, "n")).toBe(prefix);
  });
});

describe("kindPrefix", () => {
  it.each([
    ["kms-v1", "k8s:enc:kms:v1:"],
    ["kms-v2", "k8s:enc:kms:v2:"],
    ["aescbc", "k8s:enc:aescbc:v1:"],
    ["aesgcm", "k8s:enc:aesgcm:v1:"],
    ["secretbox", "k8s:enc:secretbox:v1:"],
    ["identity", ""],
  ] as const)("of %s", (kind, prefix) => {
    expect(kindPrefix(kind)).toBe(prefix);
  });
});

describe("splitStoredValue", () => {
  it.each([
    ["k8s:enc:kms:v2:p:no protobuf", [], { kind: "kms-v2", name: "p", body: utf8("no protobuf") }],
    ["k8s:enc:aescbc:v1:a:b:body", [], { kind: "aescbc", name: "a", body: utf8("b:body") }],
    ["k8s:enc:aescbc:v1:a:b:body", ["a:b"], { kind: "aescbc", name: "a:b", body: utf8("body") }],
    ["{}", [], { kind: "identity", body: utf8("{}") }],
  ] as const)("takes %s apart with the names %j, whatever its body", (text, names, split) => {
    expect(splitStoredValue(utf8(text), names)).toEqual(split);
  });

  it.each(["k8s:enc:", "k8s:enc:kms:v3:p:x", "k8s:enc:kms:v2:", "k8s:enc:kms:v2::x", "k8s:enc:aesgcm:v1:no colon"])(
    "refuses %s",
    (text) => {
      expect(() => splitStoredValue(utf8(text))).toThrow(expect.objectContaining({ code: "no-matching-prefix" }));
    },
  );
});
