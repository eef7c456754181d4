import { createCipheriv, randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeEncryptedObject } from "../../../harness/envelope/index.ts";
import { at, EnvelopeFixture, plaintextOf, secretValue } from "../envelope-fixture.ts";
import type { EnvelopeSubject } from "../envelope-subject.ts";
import { envelopeChecks } from "../index.ts";

interface Mutant {
  /** The values with something wrong. */
  readonly wrong: (fixture: EnvelopeFixture) => EnvelopeSubject;
  /** Stands in what the check received. */
  readonly says: string;
  /** Other checks that cannot but fail, too. */
  readonly also?: readonly string[];
  /** Values that it passes on; the fixture's own where nothing is named. */
  readonly right?: (fixture: EnvelopeFixture) => EnvelopeSubject;
}

/** Gives the same bytes whenever it is asked. */
const constant = (length: number) => new Uint8Array(length).fill(7);

/** By the name of the check that has to fail. */
const mutants: Readonly<Record<string, Mutant>> = {
  encrypted: { wrong: (of) => of.and(at("plain", plaintextOf("plain"))), says: "it is plain text" },
  prefix: { wrong: (of) => of.and(at("v3", Buffer.from("k8s:enc:kms:v3:kms:x"))), says: "no matching prefix found", also: ["configured"] },
  configured: { wrong: (of) => of.and(of.localBody("aesgcm", "other", randomBytes(60), "key9")), says: "no provider of the configuration" },
  "one-writer": {
    wrong: (of) => ofOneWriter(of, [of.local("aesgcm", "a"), of.local("aesgcm", "b"), of.local("aescbc", "c")]),
    right: (of) => ofOneWriter(of, [of.local("aesgcm", "a"), of.local("aesgcm", "b")]),
    says: "2 by aesgcm key1; 1 by aescbc key1",
  },
  "aescbc-length": { wrong: (of) => of.and(of.localBody("aescbc", "odd", randomBytes(47))), says: "47 bytes", also: ["opens"] },
  "aesgcm-length": { wrong: (of) => of.and(of.localBody("aesgcm", "short", randomBytes(27))), says: "27 bytes", also: ["opens"] },
  "secretbox-length": { wrong: (of) => of.and(of.localBody("secretbox", "short", randomBytes(39))), says: "39 bytes", also: ["opens"] },
  "kms-v1-edek-length": { wrong: (of) => of.and(of.kmsV1Body("long", Uint8Array.of(0, 5, 1, 2, 3, 4))), says: "uint16 length prefixed" },
  "kms-v1-payload": {
    wrong: (of) => of.and(of.kmsV1Parts("short", { edek: of.newDek().edek, payload: randomBytes(20) })),
    says: "20 bytes follow",
    also: ["opens"],
  },
  "kms-v1-edek-once": {
    wrong: (of) => {
      const same = of.newDek();
      return of.and(of.kmsV1("a", same), of.kmsV1("b", same));
    },
    says: `that of ${EnvelopeFixture.keyOf("a")}`,
    also: ["kms-v1-dek-once"],
  },
  "kms-v1-dek-once": {
    wrong: (of) => {
      const { dek } = of.newDek();
      return of.and(of.kmsV1("a", of.wrap(dek)), of.kmsV1("b", of.wrap(dek)));
    },
    says: `that of ${EnvelopeFixture.keyOf("a")}`,
  },
  "kms-v1-dek-size": { wrong: (of) => of.and(of.kmsV1("a", of.newDek(16))), says: "16 bytes" },
  "kms-v1-gcm": { wrong: (of) => of.and(of.legacyKmsV1("old")), says: "AES-CBC" },
  "kms-v2-protobuf": { wrong: (of) => of.and(of.kmsV2Body("cut", Uint8Array.of(0x0a, 0x10, 1))), says: "invalid wire-format data" },
  "kms-v2-data": { wrong: (of) => of.and(of.kmsV2Object("empty", { encryptedData: new Uint8Array(0) })), says: "encrypted data is empty" },
  "kms-v2-key-id": { wrong: (of) => of.and(of.kmsV2Object("long", { keyId: "k".repeat(1025) })), says: "keyID is 1025 bytes" },
  "kms-v2-edek": { wrong: (of) => of.and(of.kmsV2Object("long", { encryptedDekSource: randomBytes(1025) })), says: "is 1025 bytes" },
  "kms-v2-annotation-names": {
    wrong: (of) => of.and(of.kmsV2Object("panda", { annotations: new Map([["panda", Uint8Array.of(1)]]) })),
    says: "at least two segments",
  },
  "kms-v2-annotation-size": {
    wrong: (of) => of.and(of.kmsV2Object("large", { annotations: new Map([["a.example", new Uint8Array(32760)]]) })),
    says: "total size of annotations is 32769",
  },
  "kms-v2-dek-source": {
    wrong: (of) => of.and(of.kmsV2Object("two", { encryptedDekSourceType: 2 })),
    says: "unknown encryptedDEKSourceType: 2",
  },
  "kms-v2-seed": { wrong: (of) => of.and(of.kmsV2("old", of.newSource("key-0", { type: "aesGcmKey" }))), says: "AES_GCM_KEY" },
  "kms-v2-canonical": {
    wrong: (of) => {
      const { encryptedData, ...rest } = of.object("turned");
      const none = { keyId: "", encryptedDekSource: new Uint8Array(0), annotations: new Map(), encryptedDekSourceType: 0 };
      const parts = [
        { ...rest, encryptedData: new Uint8Array(0) },
        { ...none, encryptedData },
      ];
      return of.and(of.kmsV2Body("turned", Buffer.concat(parts.map(encodeEncryptedObject))));
    },
    says: "other bytes",
  },
  "kms-v2-info-once": {
    wrong: (of) => {
      const random = (length: number) => (length === 32 ? constant(length) : Uint8Array.from(randomBytes(length)));
      return of.and(of.kmsV2("a", of.source, { random }), of.kmsV2("b", of.source, { random }));
    },
    says: "its info",
  },
  "kms-v2-nonce-once": {
    wrong: (of) => {
      const old = of.newSource("key-0", { type: "aesGcmKey" });
      return of.and(of.kmsV2("a", old, { random: constant }), of.kmsV2("b", old, { random: constant }));
    },
    right: (of) => {
      const old = of.newSource("key-0", { type: "aesGcmKey" });
      return of.and(of.kmsV2("a", old), of.kmsV2("b", old));
    },
    says: "its nonce",
    also: ["kms-v2-seed"],
  },
  "kms-v2-seed-size": { wrong: (of) => of.and(of.kmsV2("long", of.newSource("key-2", { bytes: 64 }))), says: "64 bytes" },
  "kms-v2-edek-shared": { wrong: (of) => of.and(of.kmsV2("again", of.newSource("key-1"))), says: "2 different encrypted DEK sources" },
  "kms-v2-edek-context": {
    wrong: (of) => of.and(of.kmsV2("other", { ...of.source, annotations: new Map() })),
    says: "are not those of another value",
  },
  "aescbc-iv-once": twins("aescbc", "IV"),
  "aesgcm-nonce-once": twins("aesgcm", "nonce"),
  "secretbox-nonce-once": twins("secretbox", "nonce"),
  opens: {
    wrong: (of) => {
      const { key, value, modRevision } = of.local("aesgcm", "flipped");
      return of.and({ key, modRevision, value: value.map((byte, place) => (place === value.length - 1 ? byte ^ 1 : byte)) });
    },
    says: "message authentication failed",
  },
  "bound-to-key": {
    wrong: (of) => of.and(of.local("aesgcm", "free", { aad: "" })),
    says: "without any authenticated data",
    also: ["opens"],
  },
  length: {
    wrong: (of) => {
      // kube-apiserver takes a padding of more than one block, and writes none.
      const plaintext = plaintextOf("padded");
      const padding = 32 - (plaintext.length % 16);
      const iv = randomBytes(16);
      const cipher = createCipheriv("aes-256-cbc", of.localKey.secret, iv).setAutoPadding(false);
      const padded = Buffer.concat([plaintext, Buffer.alloc(padding, padding)]);
      return of.and(of.localBody("aescbc", "padded", Buffer.concat([iv, cipher.update(padded), cipher.final()])));
    },
    says: "of a plaintext that makes",
  },
  "object-name": {
    wrong: (of) => of.and({ ...of.local("aescbc", "here"), key: EnvelopeFixture.keyOf("there") }),
    says: "another name or namespace",
  },
  hidden: {
    wrong: (of) => of.and(of.kmsV2("shown", { ...of.newSource("key-2"), annotations: new Map([["a.example", secretValue]]) })),
    says: "stands in it",
  },
};

function twins(kind: "aescbc" | "aesgcm" | "secretbox", what: string): Mutant {
  return {
    wrong: (of) => of.and(of.local(kind, "a", { random: constant }), of.local(kind, "b", { random: constant })),
    says: `its ${what} is that of ${EnvelopeFixture.keyOf("a")}`,
  };
}

function ofOneWriter(fixture: EnvelopeFixture, values: Parameters<EnvelopeFixture["subject"]>[0]): EnvelopeSubject {
  const { severalWriters: _, ...subject } = fixture.subject(values);
  return { ...subject, severalWriters: undefined };
}

const valueChecks = envelopeChecks.filter(({ needs }) => !needs.includes("configure"));

/** What each check makes of the values, by its name; all of them read at once. */
async function verdicts(subject: EnvelopeSubject) {
  const entries = valueChecks.map(async ({ id, run }) => [id.slice("envelope/".length), await run(subject)] as const);
  return new Map(await Promise.all(entries));
}

describe("the checks of stored values", () => {
  let fixture: EnvelopeFixture;
  beforeAll(() => {
    fixture = new EnvelopeFixture();
  });

  it("have a mutant each", () => {
    expect(Object.keys(mutants).sort()).toEqual(valueChecks.map(({ id }) => id.slice("envelope/".length)).sort());
  });

  it("find nothing wrong with right values", async () => {
    const outcomes = await verdicts(fixture.subject());
    const others = [...outcomes].filter(([, { verdict }]) => verdict !== "pass").map(([name, { verdict }]) => [name, verdict]);
    expect(others).toEqual([
      ["kms-v2-nonce-once", "not-applicable"],
      ["one-writer", "not-applicable"],
    ]);
  });

  it.each(Object.entries(mutants))("%s fails on its mutant, and no other check that need not", async (name, { wrong, says, also = [] }) => {
    const outcomes = await verdicts(wrong(fixture));
    const failed = [...outcomes].filter(([, { verdict }]) => verdict === "fail").map(([each]) => each);
    expect(failed.sort()).toEqual([name, ...also].sort());
    expect(outcomes.get(name)?.evidence[0]?.received).toContain(says);
  });

  it.each(Object.entries(mutants).flatMap(([name, { right }]) => (right === undefined ? [] : [{ name, right }])))(
    "$name passes where it applies",
    async ({ name, right }) => {
      expect((await verdicts(right(fixture))).get(name)?.verdict).toBe("pass");
    },
  );

  it("tell nothing of what is secret", async () => {
    for (const { wrong } of Object.values(mutants)) {
      const told = JSON.stringify([...(await verdicts(wrong(fixture)))]);
      expect(told).not.toContain(secretValue.toString());
      expect(told).not.toContain(fixture.localKey.secret.toString("base64"));
    }
  });
});
