import { describe, expect, it } from "vitest";
import { cacheFolder } from "../../../harness/target/install/index.ts";
import { arrange, base64 } from "./testing/cloud.ts";
import { installPythonSdks, pythonLack, runScenario } from "./testing/python-sdk.ts";

const title = "the vendor's SDKs for Python";
const lack = await pythonLack();
if (lack !== undefined && process.env["KMSMARK_REQUIRE_REAL"] === "1") throw new Error(`"${title}" must run here and cannot: ${lack}`);

describe.skipIf(lack !== undefined)(lack === undefined ? title : `${title} (skipped: ${lack})`, () => {
  it("encrypt, decrypt, assume a role, look up events, and see refusals for what they are", async () => {
    const python = await installPythonSdks(cacheFolder(process.env));
    await using cloud = await arrange();
    const { keyId, primaryKeyVersion } = cloud.admin.createKey();
    const plaintext = base64("a secret");
    const roleArn = "acs:ram::1234567890123456:role/kmsmarkpluginrole";
    const user = cloud.admin.createUser("ann", ["AliyunSTSAssumeRoleAccess"]);
    expect(await runScenario(python, { endpoint: cloud.endpoint, root: cloud.running.root, user, keyId, plaintext, roleArn })).toEqual({
      encrypted: { keyId, keyVersionId: primaryKeyVersion },
      decrypted: plaintext,
      bySession: plaintext,
      assumed: `${roleArn}/python`,
      created: { spec: "Aliyun_AES_256", state: "Enabled", description: "by Python" },
      dataKeyCharacters: 32,
      events: [
        ["Decrypt", "kmsmarkpluginrole:python", null],
        ["Decrypt", "root", null],
      ],
      refusals: {
        "wrong context": "InvalidParameter",
        "wrong secret": "SignatureDoesNotMatch",
        "foreign token": "InvalidSecurityToken.Malformed",
        "not allowed": "Forbidden.NoPermission",
        "no such key": "Forbidden.KeyNotFound",
        "dry run": "DryRunOperationError",
      },
    });
  });
});
