import { expect, it } from "vitest";
import { providerChoiceOf, providers, secretsOf } from "./provider-choice.ts";

it("knows the bundled providers by name, each option by its own", () => {
  expect(Object.keys(providers)).toEqual(["local", "alibaba"]);
  const names = Object.values(providers).flatMap((options) => options.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});

it("has no option for a secret", () => {
  const names = Object.values(providers).flatMap((options) => options.map(({ name }) => name));
  expect(names.filter((name) => /secret|token|password|access-key$/.test(name))).toEqual([]);
});

it("makes of words what a provider is opened with", () => {
  expect(providerChoiceOf("local", { "key-file": "keys.json" }, {})).toEqual({ name: "local", keyFile: "keys.json" });
  const alibaba = providerChoiceOf("alibaba", { "key-id": "key-1", region: "cn-hangzhou", vpc: true }, {});
  expect(alibaba).toMatchObject({
    name: "alibaba",
    keyName: "key-1",
    region: "cn-hangzhou",
    isVpc: true,
    clusterId: "default",
    credentialKind: "auto",
  });
});

it.each([
  ["local", {}, "no-key-file"],
  ["local", { "key-file": "" }, "no-key-file"],
  ["local", { "key-file": "k", "key-id": "k" }, "foreign-option"],
  ["alibaba", { "key-id": "k", "key-file": "k" }, "foreign-option"],
  ["alibaba", { region: "cn-hangzhou" }, "no-key-id"],
] as const)("refuses for %s %j", (name, words, code) => {
  expect(() => providerChoiceOf(name, words, {})).toThrow(expect.objectContaining({ code }));
});

it("knows which variables hold secrets", () => {
  const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: "id", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "secret", ALIBABA_CLOUD_SECURITY_TOKEN: "" };
  expect(secretsOf("alibaba", environment)).toEqual(new Map([["the plugin's ALIBABA_CLOUD_ACCESS_KEY_SECRET", Buffer.from("secret")]]));
  expect(secretsOf("local", environment).size).toBe(0);
});
