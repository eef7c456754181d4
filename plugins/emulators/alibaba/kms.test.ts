import { describe, expect, it } from "vitest";
import { arrange, base64, refusalOf } from "./testing/cloud.ts";
import type { OpenApiCore } from "./testing/openapi-core.ts";

const Plaintext = base64("a secret");
const dayMs = 86_400_000;

const encrypt = async (client: OpenApiCore, KeyId: string, more: Record<string, string> = {}) => {
  const { CiphertextBlob, KeyVersionId } = await client.call("Kms", "Encrypt", { KeyId, Plaintext, ...more });
  return { CiphertextBlob: String(CiphertextBlob), KeyVersionId: String(KeyVersionId) };
};
const metadataOf = async (client: OpenApiCore, KeyId: string) => (await client.call("Kms", "DescribeKey", { KeyId }))["KeyMetadata"];

describe("Encrypt and Decrypt", () => {
  it("give a blob that begins with the key version's id, in ASCII", async () => {
    await using cloud = await arrange();
    const { keyId, primaryKeyVersion } = cloud.admin.createKey();
    const { CiphertextBlob, KeyVersionId } = await encrypt(cloud.root, keyId);
    const blob = Buffer.from(CiphertextBlob, "base64");
    expect(KeyVersionId).toBe(primaryKeyVersion);
    expect(blob.toString("ascii", 0, 36)).toBe(primaryKeyVersion);
    expect(blob).toHaveLength(36 + 12 + "a secret".length + 16);
    expect(await encrypt(cloud.root, keyId)).not.toMatchObject({ CiphertextBlob });
  });

  it("know a key by its id, its ARN and its alias", async () => {
    await using cloud = await arrange();
    const { keyId, arn } = cloud.admin.createKey({ alias: "alias/mine" });
    for (const name of [keyId, arn, "alias/mine"]) {
      expect(await cloud.root.call("Kms", "Encrypt", { KeyId: name, Plaintext })).toMatchObject({ KeyId: keyId });
    }
    const elsewhere = arn.replace("cn-hangzhou", "cn-beijing");
    expect(await refusalOf(encrypt(cloud.root, elsewhere))).toBe("404 Forbidden.KeyNotFound");
    expect(await refusalOf(encrypt(cloud.root, "alias/none"))).toBe("404 Forbidden.AliasNotFound");
  });

  it("compare the context as a map, not as a text", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const { CiphertextBlob } = await encrypt(cloud.root, keyId, { EncryptionContext: '{"a":"1","b":"2"}' });
    const open = (EncryptionContext: string) => cloud.root.call("Kms", "Decrypt", { CiphertextBlob, EncryptionContext });
    expect(await open('{ "b": "2", "a": "1" }')).toMatchObject({ Plaintext });
    for (const other of ["", "{}", '{"a":"1"}', '{"a":"2","b":"1"}', '{"a":"1","b":"2","c":""}', '{"a":"1\\",\\"b\\":\\"2"}']) {
      expect(await refusalOf(open(other)), other).toBe("400 InvalidParameter");
    }
  });

  it.each(['["a"]', '{"a":1}', '{"a":{"b":"c"}}', "null", '"a"', "{", JSON.stringify({ a: "x".repeat(8185) })])(
    "refuse the context %.20s",
    async (EncryptionContext) => {
      await using cloud = await arrange();
      const { keyId } = cloud.admin.createKey();
      const { CiphertextBlob } = await encrypt(cloud.root, keyId);
      expect(await refusalOf(encrypt(cloud.root, keyId, { EncryptionContext }))).toBe("400 InvalidParameter");
      expect(await refusalOf(cloud.root.call("Kms", "Decrypt", { CiphertextBlob, EncryptionContext }))).toBe("400 InvalidParameter");
    },
  );

  it("take 6 KB and no byte more", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const all = { Plaintext: Buffer.alloc(6144, 7).toString("base64") };
    const { CiphertextBlob } = await encrypt(cloud.root, keyId, all);
    expect(await cloud.root.call("Kms", "Decrypt", { CiphertextBlob })).toMatchObject(all);
    const more = { Plaintext: Buffer.alloc(6145, 7).toString("base64") };
    expect(await refusalOf(encrypt(cloud.root, keyId, more))).toBe("400 InvalidParameter");
  });

  it("refuse a blob of which any byte was changed, or that is none", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const { CiphertextBlob } = await encrypt(cloud.root, keyId);
    const open = (blob: Buffer) => refusalOf(cloud.root.call("Kms", "Decrypt", { CiphertextBlob: blob.toString("base64") }));
    for (const at of [36, 47, 48, 55, 56, 71]) {
      const blob = Buffer.from(CiphertextBlob, "base64");
      blob[at] = (blob[at] ?? 0) ^ 1;
      expect(await open(blob), `byte ${at}`).toBe("400 InvalidParameter");
    }
    expect(await open(Buffer.from(CiphertextBlob, "base64").subarray(0, -1))).toBe("400 InvalidParameter");
    expect(await open(Buffer.from("short"))).toBe("400 InvalidParameter");
    expect(await open(Buffer.alloc(80, "0"))).toBe("404 Forbidden.KeyNotFound");
    expect(await refusalOf(cloud.root.call("Kms", "Decrypt", { CiphertextBlob: "no base64" }))).toBe("400 InvalidParameter");
    expect(await refusalOf(cloud.root.call("Kms", "Decrypt"))).toBe("400 MissingParameter");
  });

  it("are only for who may use the key, whether it is there or not", async () => {
    await using cloud = await arrange();
    const [mine, other] = [cloud.admin.createKey(), cloud.admin.createKey()];
    const document = { Version: "1", Statement: [{ Effect: "Allow", Action: ["kms:Encrypt", "kms:Decrypt"], Resource: mine.arn }] };
    const user = cloud.clientOf(cloud.admin.createUser("ann", [{ name: "mine", document }]));
    const { CiphertextBlob } = await encrypt(user, mine.keyId);
    expect(await user.call("Kms", "Decrypt", { CiphertextBlob })).toMatchObject({ Plaintext });
    const denied = "403 Forbidden.NoPermission";
    expect(await refusalOf(encrypt(user, other.keyId))).toBe(denied);
    expect(await refusalOf(encrypt(user, "key-none"))).toBe(denied);
    const foreign = await encrypt(cloud.root, other.keyId);
    expect(await refusalOf(user.call("Kms", "Decrypt", { CiphertextBlob: foreign.CiphertextBlob }))).toBe(denied);
    expect(await refusalOf(user.call("Kms", "GenerateDataKey", { KeyId: mine.keyId }))).toBe(denied);
  });

  it("are bound to a key's tags where a policy says so", async () => {
    await using cloud = await arrange();
    const make = async (TagValue: string) => {
      const { KeyMetadata } = await cloud.root.call("Kms", "CreateKey", { Tags: JSON.stringify([{ TagKey: "env", TagValue }]) });
      return String(Object(KeyMetadata).KeyId);
    };
    const Condition = { StringEquals: { "kms:tag/env": "test" } };
    const document = { Version: "1", Statement: [{ Effect: "Allow", Action: "kms:*", Resource: "*", Condition }] };
    const user = cloud.clientOf(cloud.admin.createUser("ann", [{ name: "tagged", document }]));
    expect(await refusalOf(encrypt(user, await make("test")))).toBe("not refused");
    expect(await refusalOf(encrypt(user, await make("prod")))).toBe("403 Forbidden.NoPermission");
    expect(await refusalOf(encrypt(user, cloud.admin.createKey().keyId))).toBe("403 Forbidden.NoPermission");
  });

  it("say with DryRun whether they would have worked, and never do it", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const nobody = cloud.clientOf(cloud.admin.createUser("nobody", []));
    const dry = { DryRun: "true" };
    expect(await refusalOf(encrypt(cloud.root, keyId, dry))).toBe("400 DryRunOperationError");
    expect(await refusalOf(encrypt(nobody, keyId, dry))).toBe("403 AccessDeniedError");
    expect(await refusalOf(encrypt(cloud.root, "key-none", dry))).toBe("400 ValidationError");
  });
});

describe("GenerateDataKey and ReEncrypt", () => {
  it.each([
    [{}, 32],
    [{ KeySpec: "AES_128" }, 16],
    [{ KeySpec: "AES_256" }, 32],
    [{ KeySpec: "AES_128", NumberOfBytes: "64" }, 64],
  ])("a data key of %o has %i bytes", async (words, bytes) => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const { Plaintext: shown, CiphertextBlob } = await cloud.root.call("Kms", "GenerateDataKey", { KeyId: keyId, ...words });
    expect(Buffer.from(String(shown), "base64")).toHaveLength(bytes);
    const decrypted = await cloud.root.call("Kms", "Decrypt", { CiphertextBlob: String(CiphertextBlob) });
    expect(decrypted["Plaintext"]).toBe(shown);
    const hidden = await cloud.root.call("Kms", "GenerateDataKeyWithoutPlaintext", { KeyId: keyId, ...words });
    expect(Object.keys(hidden).sort()).toEqual(["CiphertextBlob", "KeyId", "KeyVersionId", "RequestId"]);
  });

  it("refuse another number of bytes", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    for (const NumberOfBytes of ["0", "1025", "-1", "1.5"]) {
      const call = cloud.root.call("Kms", "GenerateDataKey", { KeyId: keyId, NumberOfBytes });
      expect(await refusalOf(call), NumberOfBytes).toBe("400 InvalidParameter");
    }
  });

  it("ReEncrypt names the key that decrypted, and wants a right to both", async () => {
    await using cloud = await arrange();
    const [from, to] = [cloud.admin.createKey(), cloud.admin.createKey()];
    const { CiphertextBlob } = await encrypt(cloud.root, from.keyId, { EncryptionContext: '{"a":"1"}' });
    const words = {
      CiphertextBlob,
      DestinationKeyId: to.keyId,
      SourceEncryptionContext: '{"a":"1"}',
      DestinationEncryptionContext: '{"b":"2"}',
    };
    const moved = await cloud.root.call("Kms", "ReEncrypt", words);
    expect(moved).toMatchObject({ KeyId: from.keyId, KeyVersionId: from.primaryKeyVersion });
    const blob = { CiphertextBlob: String(moved["CiphertextBlob"]), EncryptionContext: '{"b":"2"}' };
    expect(await cloud.root.call("Kms", "Decrypt", blob)).toMatchObject({ KeyId: to.keyId, Plaintext });

    const allow = (Action: string, Resource: string) => ({ Version: "1", Statement: [{ Effect: "Allow", Action, Resource }] });
    const half = cloud.admin.createUser("half", [{ name: "from", document: allow("kms:ReEncryptFrom", from.arn) }]);
    expect(await refusalOf(cloud.clientOf(half).call("Kms", "ReEncrypt", words))).toBe("403 Forbidden.NoPermission");
    const whole = cloud.admin.createUser("whole", [
      { name: "from2", document: allow("kms:ReEncryptFrom", from.arn) },
      { name: "to2", document: allow("kms:ReEncryptTo", to.arn) },
    ]);
    expect(await refusalOf(cloud.clientOf(whole).call("Kms", "ReEncrypt", words))).toBe("not refused");
  });
});

describe("states of a key (spec alibaba-cloud 1.5)", () => {
  const operations = {
    Encrypt: { Plaintext },
    GenerateDataKey: {},
    GenerateDataKeyWithoutPlaintext: {},
    DescribeKey: {},
    ListAliasesByKeyId: {},
    EnableKey: {},
    DisableKey: {},
    ScheduleKeyDeletion: { PendingWindowInDays: "7" },
    CancelKeyDeletion: {},
    CreateAlias: { AliasName: "alias/new" },
    UpdateAlias: { AliasName: "alias/there" },
    UpdateKeyDescription: { Description: "text" },
    UpdateRotationPolicy: { EnableAutomaticRotation: "true", RotationInterval: "7d" },
  };
  const ok = "not refused";
  const stateModified = "409 Rejected.StateModifiedFailed";
  const [disabled, deleted, pendingImport] = ["409 Rejected.Disabled", "409 Rejected.PendingDeletion", "409 Rejected.PendingImport"];
  const use = { Enabled: ok, Disabled: disabled, PendingDeletion: deleted, PendingImport: pendingImport };
  const always = { Enabled: ok, Disabled: ok, PendingDeletion: ok, PendingImport: ok };
  const matrix: Record<keyof typeof operations, Record<keyof typeof always, string | undefined>> = {
    Encrypt: use,
    GenerateDataKey: use,
    GenerateDataKeyWithoutPlaintext: use,
    DescribeKey: always,
    ListAliasesByKeyId: always,
    EnableKey: { ...always, PendingDeletion: stateModified, PendingImport: stateModified },
    DisableKey: { ...always, PendingDeletion: stateModified, PendingImport: stateModified },
    ScheduleKeyDeletion: { ...always, PendingDeletion: stateModified },
    CancelKeyDeletion: { Enabled: stateModified, Disabled: stateModified, PendingDeletion: ok, PendingImport: stateModified },
    CreateAlias: { ...always, PendingDeletion: stateModified },
    UpdateAlias: { ...always, PendingDeletion: deleted },
    UpdateKeyDescription: { ...always, PendingDeletion: deleted },
    UpdateRotationPolicy: use,
  };

  it.each(["Enabled", "Disabled", "PendingDeletion", "PendingImport"] as const)("%s", async (state) => {
    await using cloud = await arrange();
    cloud.admin.createKey({ alias: "alias/there" });
    const found: Record<string, string> = {};
    for (const [operation, words] of Object.entries(operations)) {
      const { keyId } = cloud.admin.createKey();
      if (state === "PendingDeletion") cloud.admin.deleteKeyAfter(keyId, dayMs);
      else cloud.admin.setKeyState(keyId, state);
      found[operation] = await refusalOf(cloud.root.call("Kms", operation, { KeyId: keyId, ...words }));
    }
    expect(found).toEqual(Object.fromEntries(Object.entries(matrix).map(([operation, row]) => [operation, row[state]])));
  });

  it("Decrypt is refused as Encrypt is, and works again where the key does", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const { CiphertextBlob } = await encrypt(cloud.root, keyId);
    const open = () => refusalOf(cloud.root.call("Kms", "Decrypt", { CiphertextBlob }));
    await cloud.root.call("Kms", "DisableKey", { KeyId: keyId });
    expect(await open()).toBe(disabled);
    await cloud.root.call("Kms", "EnableKey", { KeyId: keyId });
    expect(await open()).toBe(ok);
    await cloud.root.call("Kms", "ScheduleKeyDeletion", { KeyId: keyId, PendingWindowInDays: "7" });
    expect(await open()).toBe(deleted);
    await cloud.root.call("Kms", "CancelKeyDeletion", { KeyId: keyId });
    expect(await open()).toBe(ok);
  });

  it("a deletion is done when its time has come, and the key is gone for good", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey({ alias: "alias/gone" });
    const { CiphertextBlob } = await encrypt(cloud.root, keyId);
    for (const days of ["6", "367"]) {
      const call = cloud.root.call("Kms", "ScheduleKeyDeletion", { KeyId: keyId, PendingWindowInDays: days });
      expect(await refusalOf(call)).toBe("400 InvalidParameter");
    }
    await cloud.root.call("Kms", "ScheduleKeyDeletion", { KeyId: keyId, PendingWindowInDays: "7" });
    cloud.admin.advance(7 * dayMs - 60_000);
    expect(await metadataOf(cloud.root, keyId)).toMatchObject({ KeyState: "PendingDeletion", DeleteDate: expect.stringMatching(/Z$/) });
    cloud.admin.advance(60_000);
    expect(await refusalOf(metadataOf(cloud.root, keyId))).toBe("404 Forbidden.KeyNotFound");
    expect(await refusalOf(metadataOf(cloud.root, "alias/gone"))).toBe("404 Forbidden.AliasNotFound");
    expect(await refusalOf(cloud.root.call("Kms", "Decrypt", { CiphertextBlob }))).toBe("404 Forbidden.KeyNotFound");
  });

  it("a protected key cannot be deleted", async () => {
    await using cloud = await arrange();
    const { keyId, arn } = cloud.admin.createKey();
    const protect = (enabled: string) =>
      cloud.root.call("Kms", "SetDeletionProtection", { ProtectedResourceArn: arn, EnableDeletionProtection: enabled });
    const schedule = () => refusalOf(cloud.root.call("Kms", "ScheduleKeyDeletion", { KeyId: keyId, PendingWindowInDays: "7" }));
    await protect("true");
    expect(await metadataOf(cloud.root, keyId)).toMatchObject({ DeletionProtection: "Enabled" });
    expect(await schedule()).toBe("409 Rejected.DeletionProtected");
    await protect("false");
    expect(await schedule()).toBe(ok);
  });
});

describe("versions and rotation", () => {
  it("encrypts with the newest version and decrypts with each", async () => {
    await using cloud = await arrange();
    const { keyId, primaryKeyVersion } = cloud.admin.createKey();
    const before = await encrypt(cloud.root, keyId);
    const rotated = cloud.admin.rotateKey(keyId);
    const after = await encrypt(cloud.root, keyId);
    expect([before.KeyVersionId, after.KeyVersionId]).toEqual([primaryKeyVersion, rotated]);
    for (const { CiphertextBlob, KeyVersionId } of [before, after]) {
      expect(await cloud.root.call("Kms", "Decrypt", { CiphertextBlob })).toMatchObject({ Plaintext, KeyVersionId });
    }
    const listed = await cloud.root.call("Kms", "ListKeyVersions", { KeyId: keyId });
    expect(listed).toMatchObject({
      TotalCount: 2,
      KeyVersions: { KeyVersion: [{ KeyVersionId: primaryKeyVersion }, { KeyVersionId: rotated }] },
    });
    expect(await cloud.root.call("Kms", "DescribeKeyVersion", { KeyId: keyId, KeyVersionId: rotated })).toMatchObject({
      KeyVersion: { KeyId: keyId, KeyVersionId: rotated },
    });
    const none = cloud.root.call("Kms", "DescribeKeyVersion", { KeyId: keyId, KeyVersionId: "none" });
    expect(await refusalOf(none)).toBe("404 Forbidden.KeyVersionNotFound");
  });

  it("nobody rotates a symmetric key by hand", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    expect(await refusalOf(cloud.root.call("Kms", "CreateKeyVersion", { KeyId: keyId }))).toBe("400 Rejected.UnsupportedOperation");
    const asymmetric = cloud.admin.createKey({ spec: "RSA_2048", usage: "SIGN/VERIFY" });
    const make = () => refusalOf(cloud.root.call("Kms", "CreateKeyVersion", { KeyId: asymmetric.keyId }));
    expect(await make()).toBe("400 Rejected.LimitExceeded");
    cloud.admin.advance(7 * dayMs);
    expect(await make()).toBe("not refused");
  });

  it("rotates by the calendar, not while it is disabled, and at once when it is late", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const versions = async () => (await cloud.root.call("Kms", "ListKeyVersions", { KeyId: keyId }))["TotalCount"];
    await cloud.root.call("Kms", "UpdateRotationPolicy", { KeyId: keyId, EnableAutomaticRotation: "true", RotationInterval: "7d" });
    expect(await metadataOf(cloud.root, keyId)).toMatchObject({ AutomaticRotation: "Enabled", RotationInterval: "604800s" });
    cloud.admin.advance(7 * dayMs - 60_000);
    expect(await versions()).toBe(1);
    cloud.admin.advance(60_000);
    expect(await versions()).toBe(2);
    cloud.admin.advance(14 * dayMs);
    expect(await versions()).toBe(4);

    await cloud.root.call("Kms", "DisableKey", { KeyId: keyId });
    expect(await metadataOf(cloud.root, keyId)).toMatchObject({ AutomaticRotation: "Suspended" });
    cloud.admin.advance(30 * dayMs);
    expect(await versions()).toBe(4);
    await cloud.root.call("Kms", "EnableKey", { KeyId: keyId });
    expect(await versions()).toBe(5);

    await cloud.root.call("Kms", "UpdateRotationPolicy", { KeyId: keyId, EnableAutomaticRotation: "false" });
    cloud.admin.advance(30 * dayMs);
    expect(await versions()).toBe(5);
  });

  it.each(["6d", "731d", "7", "7w", ""])("refuses to rotate every %s", async (RotationInterval) => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const words = { KeyId: keyId, EnableAutomaticRotation: "true", RotationInterval };
    const refusal = await refusalOf(cloud.root.call("Kms", "UpdateRotationPolicy", words));
    expect(refusal).toBe(RotationInterval === "" ? "400 MissingParameter" : "400 InvalidParameter");
  });
});

describe("keys and aliases", () => {
  it("CreateKey answers all that there is to know", async () => {
    await using cloud = await arrange();
    const { KeyMetadata } = await cloud.root.call("Kms", "CreateKey", {
      Description: "for tests",
      Tags: '[{"TagKey":"a","TagValue":"b"}]',
    });
    expect(KeyMetadata).toMatchObject({
      KeyId: expect.stringMatching(/^key-[a-z0-9]{20}$/),
      Arn: expect.stringMatching(/^acs:kms:cn-hangzhou:1234567890123456:key\/key-[a-z0-9]{20}$/),
      KeySpec: "Aliyun_AES_256",
      KeyUsage: "ENCRYPT/DECRYPT",
      KeyState: "Enabled",
      Origin: "Aliyun_KMS",
      ProtectionLevel: "SOFTWARE",
      Creator: "1234567890123456",
      Description: "for tests",
      AutomaticRotation: "Disabled",
      DeleteDate: "",
      DeletionProtection: "Disabled",
    });
  });

  it("keys of another specification are there, and encrypt nothing", async () => {
    await using cloud = await arrange();
    for (const [KeySpec, KeyUsage] of [
      ["RSA_2048", "ENCRYPT/DECRYPT"],
      ["EC_P256", "SIGN/VERIFY"],
      ["Aliyun_SM4", "ENCRYPT/DECRYPT"],
    ] as const) {
      const { keyId } = cloud.admin.createKey({ spec: KeySpec, usage: KeyUsage });
      expect(await metadataOf(cloud.root, keyId)).toMatchObject({ KeySpec, KeyUsage });
      expect(await refusalOf(encrypt(cloud.root, keyId))).toBe("400 Rejected.UnsupportedOperation");
    }
    for (const words of [{ KeySpec: "AES_512" }, { KeyUsage: "SIGN/VERIFY" }, { Origin: "Mine" }, { Tags: "{}" }]) {
      expect(await refusalOf(cloud.root.call("Kms", "CreateKey", words))).toBe("400 InvalidParameter");
    }
  });

  it("what would grant more than was asked for is refused, not passed over", async () => {
    await using cloud = await arrange();
    const { keyId } = cloud.admin.createKey();
    const { CiphertextBlob } = await encrypt(cloud.root, keyId);
    const unknown = "400 Rejected.UnsupportedOperation";
    expect(await refusalOf(cloud.root.call("Kms", "CreateKey", { Policy: "{}" }))).toBe(unknown);
    expect(await refusalOf(cloud.root.call("Kms", "CreateKey", { DKMSInstanceId: "kst-1" }))).toBe(unknown);
    expect(await refusalOf(cloud.root.call("Kms", "Decrypt", { CiphertextBlob, Recipient: "{}" }))).toBe(unknown);
  });

  it("lists in pages and by filters", async () => {
    await using cloud = await arrange();
    const ids = Array.from({ length: 12 }, () => cloud.admin.createKey().keyId);
    cloud.admin.setKeyState(ids[3] ?? "", "Disabled");
    const second = await cloud.root.call("Kms", "ListKeys", { PageNumber: "2" });
    expect(second).toMatchObject({ TotalCount: 12, PageNumber: 2, PageSize: 10, Keys: { Key: [{ KeyId: ids[10] }, { KeyId: ids[11] }] } });
    const Filters = JSON.stringify([{ Key: "KeyState", Values: ["Disabled", "PendingDeletion"] }]);
    expect(await cloud.root.call("Kms", "ListKeys", { Filters })).toMatchObject({ TotalCount: 1, Keys: { Key: [{ KeyId: ids[3] }] } });
  });

  it("aliases move, and cannot be had twice", async () => {
    await using cloud = await arrange();
    const [one, other] = [cloud.admin.createKey(), cloud.admin.createKey()];
    const alias = (action: string, KeyId: string, AliasName = "alias/a") => cloud.root.call("Kms", action, { KeyId, AliasName });
    await alias("CreateAlias", one.keyId);
    expect(await refusalOf(alias("CreateAlias", other.keyId))).toBe("400 AliasAlreadyExists");
    await alias("UpdateAlias", other.keyId);
    expect(await metadataOf(cloud.root, "alias/a")).toMatchObject({ KeyId: other.keyId });
    expect(await cloud.root.call("Kms", "ListAliases")).toMatchObject({ TotalCount: 1, Aliases: { Alias: [{ KeyId: other.keyId }] } });
    await alias("DeleteAlias", other.keyId);
    expect(await refusalOf(alias("DeleteAlias", other.keyId))).toBe("404 Forbidden.AliasNotFound");
    for (const name of ["a", "alias/", "alias/acs/kms"]) {
      expect(await refusalOf(alias("CreateAlias", one.keyId, name)), name).toBe("400 InvalidParameter");
    }
  });

  it("the account has the KMS enabled; other operations and versions are not there", async () => {
    await using cloud = await arrange();
    expect(await cloud.root.call("Kms", "DescribeAccountKmsStatus")).toMatchObject({ AccountStatus: "Enabled" });
    expect(await refusalOf(cloud.root.call("Kms", "EnableAutoRotation"))).toBe("404 InvalidApi.NotFound");
    expect(await refusalOf(cloud.root.call("Kms", "toString"))).toBe("404 InvalidApi.NotFound");
    expect(await refusalOf(cloud.root.call("Kms", "ListKeys", { Format: "XML" }))).toBe("400 InvalidParameter");
  });
});
