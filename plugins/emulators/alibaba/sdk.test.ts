import credentials, { Config as CredentialsConfig } from "@alicloud/credentials";
import kms, { CreateAliasRequest, CreateKeyRequest, DecryptRequest, DescribeKeyRequest, EncryptRequest } from "@alicloud/kms20160120";
import { AssumeRoleRequest } from "@alicloud/sts20150401";
import { describe, expect, it } from "vitest";
import type { Credentials } from "./admin.ts";
import { arrange, base64, refusalOf } from "./testing/cloud.ts";
import { OpenApiCore } from "./testing/openapi-core.ts";
import { stsSdk } from "./testing/sts-sdk.ts";

// Node.js and Vitest do not agree on what the default export of such a CommonJS module is.
const Kms: typeof kms.default = "default" in kms ? kms.default : kms;
const Credential: typeof credentials.default = "default" in credentials ? credentials.default : credentials;

const Plaintext = base64("a secret");

describe("@alicloud/openapi-core", () => {
  it.each([
    { signature: "V3", place: "query" },
    { signature: "V3", place: "body" },
    { signature: "V1", place: "query" },
    { signature: "V1", place: "body" },
  ] as const)("encrypts and decrypts, signing $signature with parameters in the $place", async (options) => {
    await using cloud = await arrange();
    const { keyId, primaryKeyVersion } = cloud.admin.createKey();
    const client = new OpenApiCore(cloud.endpoint, cloud.running.root, options);
    const context = { EncryptionContext: JSON.stringify({ who: "!'()* ~ä+&=", b: "" }) };
    const encrypted = await client.call("Kms", "Encrypt", { KeyId: keyId, Plaintext, ...context });
    expect(encrypted).toMatchObject({ KeyId: keyId, KeyVersionId: primaryKeyVersion });
    const CiphertextBlob = String(encrypted["CiphertextBlob"]);
    expect(await client.call("Kms", "Decrypt", { CiphertextBlob, ...context })).toMatchObject({ Plaintext, KeyId: keyId });
  });

  it("takes a refusal for what it is, and throttling for throttling", async () => {
    await using cloud = await arrange({ faults: ["ListAliases:error=429"] });
    expect(await refusalOf(cloud.root.call("Kms", "DescribeKey", { KeyId: "key-none" }))).toBe("404 Forbidden.KeyNotFound");
    await expect(cloud.root.call("Kms", "DescribeKey", { KeyId: "key-none" })).rejects.toMatchObject({ name: "ClientError" });
    await expect(cloud.root.call("Kms", "ListAliases")).rejects.toMatchObject({ name: "ThrottlingError" });
  });
});

describe("@alicloud/kms20160120, which signs V1 alone", () => {
  const connect = (endpoint: string, { accessKeyId, accessKeySecret, securityToken }: Credentials) =>
    new Kms({
      ...{ endpoint, accessKeyId, accessKeySecret, protocol: "http", regionId: "cn-hangzhou" },
      ...(securityToken === undefined ? {} : { securityToken, type: "sts" }),
      toMap: () => ({}),
    });

  it("makes a key, names it, encrypts and decrypts", async () => {
    await using cloud = await arrange();
    const client = connect(cloud.endpoint, cloud.running.root);
    const { keyMetadata } = await client.createKey(new CreateKeyRequest({ description: "by the SDK" }));
    const keyId = keyMetadata?.keyId ?? "";
    await client.createAlias(new CreateAliasRequest({ keyId, aliasName: "alias/sdk" }));
    const described = await client.describeKey(new DescribeKeyRequest({ keyId: "alias/sdk" }));
    expect(described.keyMetadata).toMatchObject({ keyId, description: "by the SDK", keySpec: "Aliyun_AES_256", keyState: "Enabled" });
    const encrypted = await client.encrypt(new EncryptRequest({ keyId: "alias/sdk", plaintext: Plaintext }));
    expect(encrypted).toMatchObject({ keyId, keyVersionId: described.keyMetadata?.primaryKeyVersion });
    const { ciphertextBlob } = encrypted;
    expect(await client.decrypt(new DecryptRequest({ ciphertextBlob }))).toMatchObject({ plaintext: Plaintext });
    await expect(client.describeKey(new DescribeKeyRequest({ keyId: "key-none" }))).rejects.toMatchObject({
      code: "Forbidden.KeyNotFoundError",
    });
  });

  it("is not left to believe that it bound a context, which it writes as the KMS does not read it", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const request = new EncryptRequest({ keyId, plaintext: Plaintext, encryptionContext: { cluster: "c1" } });
    await expect(connect(cloud.endpoint, cloud.running.root).encrypt(request)).rejects.toMatchObject({ code: "InvalidParameterError" });
  });

  it("works with a session", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const service = { servicePrincipal: "ecs.aliyuncs.com", roleName: "KmsmarkPluginRole", sessionName: "sdk" };
    const client = connect(cloud.endpoint, cloud.cloud.roles.assumeAsService(service));
    expect(await client.encrypt(new EncryptRequest({ keyId, plaintext: Plaintext }))).toMatchObject({ keyId });
  });
});

describe("@alicloud/sts20150401 and @alicloud/credentials", () => {
  it("assume a role, and its session encrypts", async () => {
    await using cloud = await arrange();
    const { keyId: KeyId } = cloud.admin.createKey();
    const client = stsSdk(cloud.endpoint, cloud.admin.createUser("ann", ["AliyunSTSAssumeRoleAccess"]));
    const roleArn = "acs:ram::1234567890123456:role/kmsmarkpluginrole";
    const { body } = await client.assumeRole(new AssumeRoleRequest({ roleArn, roleSessionName: "sdk-session" }));
    expect(body?.assumedRoleUser?.arn).toBe(`${roleArn}/sdk-session`);
    const session = {
      accessKeyId: body?.credentials?.accessKeyId ?? "",
      accessKeySecret: body?.credentials?.accessKeySecret ?? "",
      securityToken: body?.credentials?.securityToken ?? "",
    };
    for (const signature of ["V3", "V1"] as const) {
      const ofSession = new OpenApiCore(cloud.endpoint, session, { signature });
      expect(await ofSession.call("Kms", "Encrypt", { KeyId, Plaintext })).toMatchObject({ KeyId });
    }
    expect((await client.getCallerIdentity()).body).toMatchObject({ identityType: "RAMUser", accountId: "1234567890123456" });
  });

  it("take credentials from their URI", async () => {
    await using cloud = await arrange();
    const { keyId: KeyId } = cloud.admin.createKey();
    const config = new CredentialsConfig({ type: "credentials_uri", credentialsURI: cloud.running.credentialsUri });
    const { accessKeyId = "", accessKeySecret = "", securityToken = "" } = await new Credential(config).getCredential();
    const client = cloud.clientOf({ accessKeyId, accessKeySecret, securityToken });
    expect(await client.call("Kms", "Encrypt", { KeyId, Plaintext })).toMatchObject({ KeyId });
  });
});
