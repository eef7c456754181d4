import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type EncryptionConfiguration,
  type ProviderConfiguration,
  renderEncryptionConfiguration,
} from "../target/encryption-configuration.ts";
import { readEncryptionFile } from "./index.ts";

const options = { automaticReload: false, allowsKmsV1: true };

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const secret = fc.constantFrom(16, 24, 32).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
const keys = (of: fc.Arbitrary<Uint8Array>) =>
  fc.uniqueArray(fc.record({ name, secret: of }), { minLength: 1, maxLength: 3, selector: (key) => key.name });
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const socket = name.map((file) => `/run/${file}.sock`);

const provider: fc.Arbitrary<ProviderConfiguration> = fc.oneof(
  fc.record({ kind: fc.constantFrom("aescbc" as const, "aesgcm" as const), keys: keys(secret) }),
  fc.record({ kind: fc.constant("secretbox" as const), keys: keys(bytes32) }),
  fc.constant({ kind: "identity" as const }),
  fc.record(
    {
      kind: fc.constant("kms" as const),
      apiVersion: fc.constant("v2" as const),
      name,
      socket,
      timeoutMs: fc.integer({ min: 1, max: 100_000 }),
    },
    { requiredKeys: ["kind", "apiVersion", "name", "socket"] },
  ),
  fc.record(
    {
      kind: fc.constant("kms" as const),
      apiVersion: fc.constant("v1" as const),
      name,
      socket,
      cacheSize: fc.integer({ min: 1, max: 5000 }),
    },
    { requiredKeys: ["kind", "apiVersion", "name", "socket"] },
  ),
);

/** KMS names are unique in the whole file. */
const configuration: fc.Arbitrary<EncryptionConfiguration> = fc
  .uniqueArray(provider, { minLength: 1, maxLength: 5, selector: (each) => (each.kind === "kms" ? each.name : each) })
  .map((providers) => ({ resources: [{ resources: ["secrets"], providers }] }));

describe("reading a configuration file", () => {
  it("gives back what was written", () => {
    fc.assert(
      fc.property(configuration, (written) => {
        expect(readEncryptionFile(renderEncryptionConfiguration(written), options)).toEqual({ configuration: written, faults: [] });
      }),
    );
  });

  it("gives faults or a configuration for any text, and never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
        const { configuration: read, faults } = readEncryptionFile(text, options);
        expect(read === undefined).toBe(faults.length > 0);
      }),
    );
  });

  it("gives faults or a configuration for a file that something was done to", () => {
    fc.assert(
      fc.property(configuration, fc.nat(), fc.string({ unit: "binary", maxLength: 5 }), (written, place, inserted) => {
        const text = renderEncryptionConfiguration(written);
        const at = place % text.length;
        const { configuration: read, faults } = readEncryptionFile(text.slice(0, at) + inserted + text.slice(at + 2), options);
        expect(read === undefined).toBe(faults.length > 0);
      }),
    );
  });

  it("takes JSON, the old name of the kind, and no apiVersion for v1", () => {
    const text = JSON.stringify({
      kind: "EncryptionConfig",
      apiVersion: "v1",
      resources: [
        { resources: ["secrets"], providers: [{ kms: { name: "a", endpoint: "unix:///a", timeout: "1m30.5s", cachesize: -1 } }] },
      ],
    });
    expect(readEncryptionFile(text, options).configuration?.resources[0]?.providers).toEqual([
      { kind: "kms", apiVersion: "v1", name: "a", socket: "/a", timeoutMs: 90_500, cacheSize: -1 },
    ]);
    expect(readEncryptionFile(text, { ...options, allowsKmsV1: false }).faults).toMatchObject([{ rule: "kms-v1-gate" }]);
  });

  it("wants unique names of KMS v1 providers only where the file is looked at again", () => {
    const kms = { kind: "kms", apiVersion: "v1", name: "a", socket: "/a" } as const;
    const text = renderEncryptionConfiguration({ resources: [{ resources: ["secrets"], providers: [kms, { ...kms, socket: "/b" }] }] });
    expect(readEncryptionFile(text, options).faults).toEqual([]);
    expect(readEncryptionFile(text, { ...options, automaticReload: true }).faults).toMatchObject([{ rule: "kms-name" }]);
  });

  it.each([
    ["3", undefined],
    ["3 s", undefined],
    ["1h", 3_600_000],
    [".5s", 500],
    ["1us", 0.001],
  ])("reads the timeout %j as Go does", (timeout, ms) => {
    const text = JSON.stringify({
      kind: "EncryptionConfiguration",
      apiVersion: "apiserver.config.k8s.io/v1",
      resources: [{ resources: ["secrets"], providers: [{ kms: { apiVersion: "v2", name: "a", endpoint: "unix:///a", timeout } }] }],
    });
    const [kms] = readEncryptionFile(text, options).configuration?.resources[0]?.providers ?? [];
    expect(kms?.kind === "kms" ? kms.timeoutMs : undefined).toBe(ms);
  });
});
