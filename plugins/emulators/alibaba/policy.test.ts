import { describe, expect, it } from "vitest";
import { type ConditionKeys, isAllowed, matchesWildcards, parsePolicy, parseTrustPolicy } from "./policy.ts";
import { systemPolicies } from "./system-policies.ts";

const key = "acs:kms:cn-hangzhou:1:key/key-a";
const none: ConditionKeys = new Map();

function policy(...statements: object[]) {
  const parsed = parsePolicy(JSON.stringify({ Version: "1", Statement: statements }));
  if (parsed === undefined) throw new TypeError("The test's policy is wrong.");
  return parsed;
}
const allow = (Action: unknown, Resource: unknown, more: object = {}) => ({ Effect: "Allow", Action, Resource, ...more });
const deny = (Action: unknown, Resource: unknown, more: object = {}) => ({ Effect: "Deny", Action, Resource, ...more });

describe("evaluation", () => {
  it.each([
    ["nothing", [], false],
    ["an Allow", [policy(allow("kms:Encrypt", "*"))], true],
    ["an Allow of another action", [policy(allow("kms:Decrypt", "*"))], false],
    ["an Allow of another key", [policy(allow("kms:*", "acs:kms:*:*:key/key-b"))], false],
    ["an Allow with wildcards", [policy(allow("kms:Enc*", "acs:kms:*:1:key/key-?"))], true],
    ["an Allow of one of several", [policy(allow(["kms:Decrypt", "kms:encrypt"], ["acs:kms:*:*:alias/*", key]))], true],
    ["a Deny beside an Allow", [policy(deny("kms:*", "*"), allow("*", "*"))], false],
    ["a Deny in another policy", [policy(allow("*", "*")), policy(deny("kms:Encrypt", key))], false],
    ["a Deny of another action", [policy(allow("*", "*"), deny("kms:Decrypt", "*"))], true],
    ["NotAction", [policy({ Effect: "Allow", NotAction: "ram:*", Resource: "*" })], true],
    ["NotAction of it", [policy({ Effect: "Allow", NotAction: "kms:*", Resource: "*" })], false],
    ["NotResource", [policy({ Effect: "Allow", Action: "kms:*", NotResource: key })], false],
  ])("%s", (_what, policies, expected) => {
    expect(isAllowed(policies, "kms:Encrypt", key, none)).toBe(expected);
  });

  it.each<[object, Record<string, string>, boolean]>([
    [{ StringEquals: { "kms:tag/env": ["prod", "test"] } }, { "kms:tag/env": "test" }, true],
    [{ StringEquals: { "kms:tag/env": "prod" } }, { "kms:tag/env": "Prod" }, false],
    [{ StringEquals: { "kms:tag/env": "prod" } }, {}, false],
    [{ StringNotEquals: { "kms:tag/env": ["prod", "test"] } }, { "kms:tag/env": "test" }, false],
    [{ StringNotEquals: { "kms:tag/env": "prod" } }, {}, true],
    [{ StringEqualsIgnoreCase: { a: "X" } }, { a: "x" }, true],
    [{ StringNotEqualsIgnoreCase: { a: "X" } }, { a: "x" }, false],
    [{ StringLike: { a: "ab*d" } }, { a: "abcd" }, true],
    [{ StringNotLike: { a: "ab*d" } }, { a: "abcd" }, false],
    [{ NumericLessThan: { a: 5 } }, { a: "4" }, true],
    [{ NumericGreaterThanEquals: { a: "5" } }, { a: "4" }, false],
    [{ NumericEquals: { a: "5" } }, { a: "no number" }, false],
    [{ DateLessThan: { "acs:CurrentTime": "2026-01-02T00:00:00Z" } }, { "acs:CurrentTime": "2026-01-01T00:00:00Z" }, true],
    [{ DateGreaterThan: { "acs:CurrentTime": "2026-01-02T00:00:00Z" } }, { "acs:CurrentTime": "2026-01-01T00:00:00Z" }, false],
    [{ Bool: { "acs:SecureTransport": true } }, { "acs:SecureTransport": "false" }, false],
    [{ IpAddress: { "acs:SourceIp": ["10.0.0.0/8", "127.0.0.1"] } }, { "acs:SourceIp": "127.0.0.1" }, true],
    [{ IpAddress: { "acs:SourceIp": "10.0.0.0/8" } }, { "acs:SourceIp": "11.0.0.1" }, false],
    [{ NotIpAddress: { "acs:SourceIp": "10.0.0.0/8" } }, { "acs:SourceIp": "10.1.2.3" }, false],
    [{ IpAddress: { "acs:SourceIp": "10.0.0.0/99" } }, { "acs:SourceIp": "10.1.2.3" }, false],
    [{ StringEquals: { a: "1" }, Bool: { b: "true" } }, { a: "1", b: "false" }, false],
    [{ StringEquals: { a: "1", b: "2" } }, { a: "1", b: "2" }, true],
  ])("under %j with %j", (Condition, keys, expected) => {
    const policies = [policy(allow("*", "*", { Condition }))];
    expect(isAllowed(policies, "kms:Encrypt", key, new Map(Object.entries(keys)))).toBe(expected);
  });

  it("a Deny under a condition that does not hold denies nothing", () => {
    const policies = [policy(allow("*", "*"), deny("*", "*", { Condition: { StringEquals: { a: "1" } } }))];
    expect(isAllowed(policies, "kms:Encrypt", key, new Map([["a", "2"]]))).toBe(true);
    expect(isAllowed(policies, "kms:Encrypt", key, new Map([["a", "1"]]))).toBe(false);
  });
});

it("a role is denied however its name is written", () => {
  const policies = [policy(allow("*", "*"), deny("sts:AssumeRole", "acs:ram:*:*:role/Admin"))];
  for (const name of ["admin", "Admin", "ADMIN"])
    expect(isAllowed(policies, "sts:AssumeRole", `acs:ram::1:role/${name}`, none)).toBe(false);
  expect(isAllowed(policies, "sts:AssumeRole", "acs:ram::1:role/other", none)).toBe(true);
});

describe("the system policies", () => {
  const may = (name: string, action: string, resource: string) => {
    const parsed = parsePolicy(systemPolicies[name] ?? "");
    return parsed !== undefined && isAllowed([parsed], action, resource, none);
  };

  it("can all be parsed", () => {
    for (const [name, text] of Object.entries(systemPolicies)) expect(parsePolicy(text), name).toBeDefined();
  });

  it.each([
    ["AliyunKMSCryptoAdminAccess", "kms:Encrypt", key, true],
    ["AliyunKMSCryptoAdminAccess", "kms:CreateKey", "acs:kms:cn-hangzhou:1:key", true],
    ["AliyunKMSCryptoAdminAccess", "kms:GetSecretValue", "acs:kms:cn-hangzhou:1:secret/s", false],
    ["AliyunKMSCryptoUserAccess", "kms:Decrypt", key, true],
    ["AliyunKMSCryptoUserAccess", "kms:DescribeKey", key, false],
    ["AliyunCSManagedSecurityRolePolicy", "kms:SetDeletionProtection", key, true],
    ["AliyunCSManagedSecurityRolePolicy", "kms:GenerateDataKey", key, false],
    ["AliyunCSManagedSecurityRolePolicy", "kms:ScheduleKeyDeletion", key, false],
    ["AliyunSTSAssumeRoleAccess", "sts:AssumeRole", "acs:ram::1:role/r", true],
    ["AliyunSTSAssumeRoleAccess", "kms:Encrypt", key, false],
  ])("%s lets %s on %s: %s", (name, action, resource, expected) => {
    expect(may(name, action, resource)).toBe(expected);
  });
});

describe("what is no policy", () => {
  const statement = allow("*", "*");
  it.each([
    "",
    "{}",
    JSON.stringify({ Version: "2", Statement: [statement] }),
    JSON.stringify({ Version: "1", Statement: [] }),
    JSON.stringify({ Version: "1", Statement: [{ ...statement, Effect: "Maybe" }] }),
    JSON.stringify({ Version: "1", Statement: [{ Effect: "Allow", Action: "*" }] }),
    JSON.stringify({ Version: "1", Statement: [{ ...statement, NotAction: "*" }] }),
    JSON.stringify({ Version: "1", Statement: [{ ...statement, Condition: { StringMatches: { a: "b" } } }] }),
    JSON.stringify({ Version: "1", Statement: [{ ...statement, Principal: "*" }] }),
  ])("%s", (text) => {
    expect(parsePolicy(text)).toBeUndefined();
  });

  it("a policy is no trust policy", () => {
    expect(parseTrustPolicy(JSON.stringify({ Version: "1", Statement: [statement] }))).toBeUndefined();
  });
});

describe("wildcards", () => {
  it.each([
    ["*", "", true],
    ["?", "", false],
    ["a*b*c", "aXbYc", true],
    ["a*b*c", "aXbY", false],
    ["*a", "aaaa", true],
    ["a.c", "abc", false],
    ["", "", true],
    ["", "a", false],
  ])("%s and %s: %s", (pattern, text, expected) => {
    expect(matchesWildcards(pattern, text)).toBe(expected);
  });

  it("take no long time over a pattern made for it", () => {
    expect(matchesWildcards(`${"*a".repeat(1000)}b`, "a".repeat(2000))).toBe(false);
  });
});
