import { createSign, generateKeyPairSync } from "node:crypto";
import { AssumeRoleWithOIDCRequest } from "@alicloud/sts20150401";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../harness/virtual-clock.ts";
import type { AlibabaCloudOptions } from "./index.ts";
import { arrange, refusalOf } from "./testing/cloud.ts";
import { requestV3, send } from "./testing/signed-request.ts";
import { stsSdk } from "./testing/sts-sdk.ts";

const account = "1234567890123456";
const trust = (Principal: object, Condition?: object) => ({
  Version: "1",
  Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal, ...(Condition === undefined ? {} : { Condition }) }],
});
const RoleArn = `acs:ram::${account}:role/reader`;
const words = { RoleArn, RoleSessionName: "session-1" };

/** A cloud with a role that the account trusts itself to assume and that may describe keys, and a user who may assume roles. */
async function arrangeRole(options: AlibabaCloudOptions = {}) {
  const cloud = await arrange(options);
  const document = { Version: "1", Statement: [{ Effect: "Allow", Action: ["kms:DescribeKey", "kms:ListKeys"], Resource: "*" }] };
  cloud.admin.createRole("Reader", trust({ RAM: [`acs:ram::${account}:root`] }), [{ name: "reads", document }]);
  const user = cloud.clientOf(cloud.admin.createUser("somebody", ["AliyunSTSAssumeRoleAccess"]));
  const sessionOf = async (more: Record<string, string> = {}) => {
    const { Credentials } = await user.call("Sts", "AssumeRole", { ...words, ...more });
    const [accessKeyId = "", accessKeySecret = "", securityToken = ""] = ["AccessKeyId", "AccessKeySecret", "SecurityToken"].map((name) =>
      String(Object.entries(Credentials ?? {}).find(([each]) => each === name)?.[1]),
    );
    return cloud.clientOf({ accessKeyId, accessKeySecret, securityToken });
  };
  return { ...cloud, user, sessionOf };
}

describe("AssumeRole", () => {
  it("answers a session that may do what the role may, and no more", async () => {
    await using cloud = await arrangeRole();
    const answer = await cloud.user.call("Sts", "AssumeRole", words);
    expect(answer).toEqual({
      RequestId: expect.any(String),
      AssumedRoleUser: { Arn: `${RoleArn}/session-1`, AssumedRoleId: expect.stringMatching(/^3\d{17}:session-1$/) },
      Credentials: {
        AccessKeyId: expect.stringMatching(/^STS\./),
        AccessKeySecret: expect.any(String),
        SecurityToken: expect.any(String),
        Expiration: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
    });
    const { keyId: KeyId } = cloud.admin.createKey();
    const session = await cloud.sessionOf();
    expect(await refusalOf(session.call("Kms", "DescribeKey", { KeyId }))).toBe("not refused");
    expect(await refusalOf(session.call("Kms", "DisableKey", { KeyId }))).toBe("403 Forbidden.NoPermission");
    expect(await session.call("Sts", "GetCallerIdentity")).toMatchObject({
      IdentityType: "AssumedRoleUser",
      AccountId: account,
      Arn: `${RoleArn}/session-1`,
      PrincipalId: expect.stringMatching(/:session-1$/),
    });
  });

  it("a session policy narrows it, and widens nothing", async () => {
    await using cloud = await arrangeRole();
    const { keyId: KeyId } = cloud.admin.createKey();
    const Policy = JSON.stringify({
      Version: "1",
      Statement: [{ Effect: "Allow", Action: ["kms:ListKeys", "kms:Encrypt"], Resource: "*" }],
    });
    const session = await cloud.sessionOf({ Policy });
    expect(await refusalOf(session.call("Kms", "ListKeys"))).toBe("not refused");
    expect(await refusalOf(session.call("Kms", "DescribeKey", { KeyId }))).toBe("403 Forbidden.NoPermission");
    expect(await refusalOf(session.call("Kms", "Encrypt", { KeyId, Plaintext: "YQ==" }))).toBe("403 Forbidden.NoPermission");
  });

  it("what is taken from the role is taken from its sessions", async () => {
    await using cloud = await arrangeRole();
    const session = await cloud.sessionOf();
    expect(await refusalOf(session.call("Kms", "ListKeys"))).toBe("not refused");
    const detach = { RoleName: "Reader", PolicyType: "Custom", PolicyName: "reads" };
    await cloud.root.call("Ram", "DetachPolicyFromRole", detach);
    expect(await refusalOf(session.call("Kms", "ListKeys"))).toBe("403 Forbidden.NoPermission");
    await cloud.root.call("Ram", "DeleteRole", { RoleName: "Reader" });
    cloud.admin.createRole("Reader", trust({ RAM: [`acs:ram::${account}:root`] }), ["AdministratorAccess"]);
    // The same name, but another role.
    expect(await refusalOf(session.call("Kms", "ListKeys"))).toBe("403 Forbidden.NoPermission");
  });

  it("is refused to the account itself, to who may not and to whom the role does not trust", async () => {
    await using cloud = await arrangeRole();
    const denied = "403 NoPermission";
    expect(await refusalOf(cloud.root.call("Sts", "AssumeRole", words))).toBe(denied);
    const nobody = cloud.clientOf(cloud.admin.createUser("nobody", ["AliyunKMSCryptoAdminAccess"]));
    expect(await refusalOf(nobody.call("Sts", "AssumeRole", words))).toBe(denied);
    cloud.admin.createRole("service", trust({ Service: ["cs.aliyuncs.com"] }), []);
    cloud.admin.createRole("theirs", trust({ RAM: [`acs:ram::${account}:user/other`] }), []);
    for (const name of ["service", "theirs"]) {
      const RoleArn = `acs:ram::${account}:role/${name}`;
      expect(await refusalOf(cloud.user.call("Sts", "AssumeRole", { ...words, RoleArn })), name).toBe(denied);
    }
  });

  it("a trust policy may ask for an external id", async () => {
    await using cloud = await arrangeRole();
    const condition = { StringEquals: { "sts:ExternalId": "known" } };
    cloud.admin.createRole("guarded", trust({ RAM: `acs:ram::${account}:user/somebody` }, condition), []);
    const guarded = { ...words, RoleArn: `acs:ram::${account}:role/guarded` };
    expect(await refusalOf(cloud.user.call("Sts", "AssumeRole", guarded))).toBe("403 NoPermission");
    expect(await refusalOf(cloud.user.call("Sts", "AssumeRole", { ...guarded, ExternalId: "known" }))).toBe("not refused");
  });

  it.each([
    [{ RoleArn: "reader" }, "400 InvalidParameter.RoleArn"],
    [{ RoleArn: `acs:ram::${account}:role/none` }, "404 EntityNotExist.Role"],
    [{ RoleSessionName: "a" }, "400 InvalidParameter.RoleSessionName"],
    [{ RoleSessionName: "a b" }, "400 InvalidParameter.RoleSessionName"],
    [{ DurationSeconds: "899" }, "400 InvalidParameter.DurationSeconds"],
    [{ DurationSeconds: "3601" }, "400 InvalidParameter.DurationSeconds"],
    [{ Policy: "{}" }, "400 InvalidParameter.PolicyGrammar"],
    [{ Policy: "x".repeat(2049) }, "400 InvalidParameter.PolicySize"],
    [{ DurationSeconds: "900" }, "not refused"],
  ])("with %j: %s", async (given, expected) => {
    await using cloud = await arrangeRole();
    expect(await refusalOf(cloud.user.call("Sts", "AssumeRole", { ...words, ...given }))).toBe(expected);
  });

  it("a session ends when it says", async () => {
    const clock = new VirtualClock();
    await using cloud = await arrange({ clock });
    const service = { servicePrincipal: "ecs.aliyuncs.com", roleName: "KmsmarkPluginRole", sessionName: "ab", durationSeconds: 900 };
    const session = cloud.cloud.roles.assumeAsService(service);
    expect(session.expirationMs).toBe(clock.wallMs() + 900_000);
    const date = () => `${new Date(clock.wallMs()).toISOString().slice(0, 19)}Z`;
    const call = () =>
      send(requestV3({ endpoint: cloud.endpoint, credentials: session, version: "2015-04-01", action: "GetCallerIdentity", date: date() }));
    await clock.advance(899_000);
    expect(await call()).toMatchObject({ status: 200 });
    await clock.advance(1000);
    expect(await call()).toMatchObject({ status: 400, json: { Code: "InvalidSecurityToken.Expired" } });
  });
});

describe("a service's role", () => {
  it("is assumed by the service that its trust policy names, and by no other", async () => {
    await using cloud = await arrange();
    const { roles } = cloud.cloud;
    const roleName = "AliyunCSManagedSecurityRole";
    const assume = (servicePrincipal: string) => () => roles.assumeAsService({ servicePrincipal, roleName, sessionName: "ack" });
    const isGranted = () => roles.isGranted(roleName, "cs.aliyuncs.com", "AliyunCSManagedSecurityRolePolicy");
    expect(assume("cs.aliyuncs.com")).toThrow("does not exist");
    expect(isGranted()).toBe(false);
    cloud.admin.createRole(roleName, trust({ Service: ["cs.aliyuncs.com"] }), []);
    expect(isGranted()).toBe(false);
    const attach = { RoleName: roleName, PolicyType: "System", PolicyName: "AliyunCSManagedSecurityRolePolicy" };
    await cloud.root.call("Ram", "AttachPolicyToRole", attach);
    expect(isGranted()).toBe(true);
    expect(assume("ecs.aliyuncs.com")).toThrow("not authorized");
    const { keyId: KeyId } = cloud.admin.createKey();
    const session = assume("cs.aliyuncs.com")();
    expect(cloud.events.at(-1)?.record).toMatchObject({
      eventName: "AssumeRole",
      sourceIpAddress: "Internal",
      userIdentity: { type: "system", userName: "cs.aliyuncs.com" },
      responseElements: { Credentials: { AccessKeyId: session.accessKeyId } },
    });
    const client = cloud.clientOf(session);
    await client.call("Kms", "Encrypt", { KeyId, Plaintext: "YQ==" });
    // Events have the role's name in lower case (spec alibaba-cloud 4.2).
    expect(cloud.events.at(-1)?.record).toMatchObject({
      eventName: "Encrypt",
      userIdentity: { type: "assumed-role", userName: "aliyuncsmanagedsecurityrole:ack", accountId: account },
    });
  });
});

describe("AssumeRoleWithOIDC", () => {
  const issuer = "https://oidc.local/cluster";
  const OIDCProviderArn = `acs:ram::${account}:oidc-provider/cluster`;
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = {
    name: "cluster",
    issuer,
    audiences: ["sts.aliyuncs.com"],
    keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1" }],
  };
  const far = 4_000_000_000;
  const good = { iss: issuer, sub: "system:serviceaccount:kube-system:kms", aud: ["sts.aliyuncs.com"], exp: far };

  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const tokenOf = (claims: object, header: object = {}, key = privateKey) => {
    const text = `${encode({ alg: "RS256", kid: "k1", ...header })}.${encode(claims)}`;
    return `${text}.${createSign("sha256").update(text).sign(key, "base64url")}`;
  };
  const assume = async (token: string, given: object = {}) => {
    await using cloud = await arrange({ oidcProviders: [provider] });
    const condition = { StringEquals: { "oidc:sub": good.sub, "oidc:iss": issuer, "oidc:aud": "sts.aliyuncs.com" } };
    cloud.admin.createRole("kms", trust({ Federated: [OIDCProviderArn] }, condition), []);
    const words = { OIDCProviderArn, RoleArn: `acs:ram::${account}:role/kms`, RoleSessionName: "pod", OIDCToken: token, ...given };
    const query = new URLSearchParams({ ...words, Action: "AssumeRoleWithOIDC", Version: "2015-04-01" });
    const answer = await send({ url: `${cloud.url}/?${query}`, method: "POST", headers: {}, body: "" });
    expect(JSON.stringify(cloud.events)).not.toContain(token);
    return answer;
  };

  it("gives a session for a service account's token, without a signature", async () => {
    expect(await assume(tokenOf(good))).toMatchObject({
      status: 200,
      json: { Credentials: { AccessKeyId: expect.stringMatching(/^STS\./) }, OIDCTokenInfo: { Subject: good.sub, Issuer: issuer } },
    });
  });

  it("is called so by the vendor's SDK, whose session encrypts", async () => {
    await using cloud = await arrange({ oidcProviders: [provider] });
    cloud.admin.createRole("kms", trust({ Federated: [OIDCProviderArn] }), ["AliyunKMSCryptoUserAccess"]);
    const words = { OIDCProviderArn, roleArn: `acs:ram::${account}:role/kms`, roleSessionName: "pod", OIDCToken: tokenOf(good) };
    const { body } = await stsSdk(cloud.endpoint).assumeRoleWithOIDC(new AssumeRoleWithOIDCRequest(words));
    const { accessKeyId = "", accessKeySecret = "", securityToken = "" } = body?.credentials ?? {};
    const client = cloud.clientOf({ accessKeyId, accessKeySecret, securityToken });
    const { keyId: KeyId } = cloud.admin.createKey();
    expect(await client.call("Kms", "Encrypt", { KeyId, Plaintext: "YQ==" })).toMatchObject({ KeyId });
  });

  it.each<[string, string, object, string]>([
    ["signed by another key", tokenOf(good, {}, other.privateKey), {}, "AuthenticationFail.OIDCToken.Invalid"],
    ["of an unknown key", tokenOf(good, { kid: "k2" }), {}, "AuthenticationFail.OIDCToken.Invalid"],
    ["without a signature", `${encode({ alg: "none", kid: "k1" })}.${encode(good)}.`, {}, "AuthenticationFail.OIDCToken.Invalid"],
    ["of another algorithm", tokenOf(good, { alg: "HS256" }), {}, "AuthenticationFail.OIDCToken.Invalid"],
    [
      "whose claims were changed",
      tokenOf(good).replace(/\.[^.]+\./, `.${encode({ ...good, sub: "x" })}.`),
      {},
      "AuthenticationFail.OIDCToken.Invalid",
    ],
    ["of another issuer", tokenOf({ ...good, iss: "https://other" }), {}, "AuthenticationFail.OIDCToken.Invalid"],
    ["for another audience", tokenOf({ ...good, aud: "kubernetes" }), {}, "AuthenticationFail.OIDCToken.Invalid"],
    ["that is over", tokenOf({ ...good, exp: 1_000_000_000 }), {}, "AuthenticationFail.OIDCToken.Expired"],
    ["that is not yet valid", tokenOf({ ...good, nbf: far }), {}, "AuthenticationFail.OIDCToken.Expired"],
    ["of another service account", tokenOf({ ...good, sub: "system:serviceaccount:default:x" }), {}, "AuthenticationFail.NoPermission"],
    ["for an unknown provider", tokenOf(good), { OIDCProviderArn: `${OIDCProviderArn}2` }, "EntityNotExist.OIDCProvider"],
  ])("refuses a token %s", async (_what, token, given, code) => {
    expect(await assume(token, given)).toMatchObject({ json: { Code: code } });
  });
});
