import { describe, expect, it } from "vitest";
import { lineOfFault, lineOfField } from "./line-of.ts";
import { readEncryptionFile } from "./read.ts";

const text = `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources:
      - secrets
      - Configmaps
    providers:
      - kms:
          apiVersion: v3
          name: a
          endpoint: tcp://10.0.0.1
      - {aescbc: {keys: [{name: k,
          secret: AAAA}]}}
      - identity: {}
`;

describe("the line of a field", () => {
  it.each([
    ["resources", 4],
    ["resources[0].resources[1]", 6],
    ["resources[0].providers[0]", 8],
    ["resources[0].providers[0].kms.endpoint", 11],
    ["resources[0].providers[1].aescbc.keys[0].secret", 13],
    ["resources[0].providers[2].identity", 14],
  ])("%s", (path, line) => {
    expect(lineOfField(text, path)).toBe(line);
  });

  it("is that of what is around it, where it is not there", () => {
    expect(lineOfField(text, "resources[0].providers[0].kms.timeout")).toBe(9);
    expect(lineOfField(text, "resources[7].providers")).toBe(4);
  });

  it("is found behind an alias, in JSON, and nowhere in nothing", () => {
    expect(lineOfField("a: &b\n  - c: 1\nd: *b\n", "d[0].c")).toBe(2);
    expect(lineOfField('{"resources":\n[{"providers":\n[]}]}', "resources[0].providers")).toBe(3);
    expect(lineOfField("", "resources")).toBeUndefined();
  });
});

it("is told of what kube-apiserver says against a file", () => {
  const { faults } = readEncryptionFile(text, { automaticReload: false, allowsKmsV1: true });
  const told = faults.map(({ message }) => [message.split(": ")[0], lineOfFault(text, message)]);
  expect(told).toContainEqual(["resources[0].resources[1]", 6]);
  expect(told).toContainEqual(["resources[0].providers[0].kms.endpoint", 11]);
  expect(told.filter(([, line]) => line === undefined)).toEqual([]);
});

it.each([
  ["an unknown field", `${text}  - pandas: 1\n`, 15],
  ["broken YAML", "a: b\nc: [\n", 3],
  ["a field given twice", `${text}kind: EncryptionConfiguration\n`, 15],
])("is told of %s", (_, broken, line) => {
  const { faults } = readEncryptionFile(broken, { automaticReload: false, allowsKmsV1: true });
  expect(faults.map(({ message }) => lineOfFault(broken, message))).toEqual([line]);
});

it("is not told where the words name none", () => {
  expect(lineOfFault(text, "Object 'Kind' is missing in 'REDACTED'")).toBeUndefined();
});
