import { z } from "zod";
import { utcSeconds } from "./authorization.ts";
import { refuseInState } from "./key-state.ts";
import { type KeyRecord, type KeyStore, type KeyVersionRecord, symmetricSpec } from "./key-store.ts";
import { invalid, optionalBoolean, optionalInteger, refuseUnknown, required } from "./parameters.ts";
import { type CloudCall, CloudError, type CloudOperation, type JsonObject } from "./service.ts";

const dayMs = 86_400_000;
const keyResource = "ACS::KMS::Key";
/** By default, per region (spec alibaba-cloud 1.7). */
const keysMax = 200;
const aliasesMax = 300;
/** 50 versions at most, made 7 days apart at least (spec alibaba-cloud 1.3). */
const madeVersionsMax = 50;
const madeVersionsApartMs = 7 * dayMs;

/** The usages that a key of a specification may have; the first is the default. */
const usages: Readonly<Record<string, readonly string[]>> = {
  [symmetricSpec]: ["ENCRYPT/DECRYPT"],
  Aliyun_SM4: ["ENCRYPT/DECRYPT"],
  RSA_2048: ["ENCRYPT/DECRYPT", "SIGN/VERIFY"],
  RSA_3072: ["ENCRYPT/DECRYPT", "SIGN/VERIFY"],
  EC_P256: ["SIGN/VERIFY"],
  EC_P256K: ["SIGN/VERIFY"],
  EC_SM2: ["SIGN/VERIFY", "ENCRYPT/DECRYPT"],
};
const symmetricSpecs = [symmetricSpec, "Aliyun_SM4"];

const tagsSchema = z.array(z.strictObject({ TagKey: z.string(), TagValue: z.string() })).max(20);
const filterNames = ["KeyState", "KeySpec", "KeyUsage", "ProtectionLevel", "CreatorType"] as const;
const filtersSchema = z.array(z.strictObject({ Key: z.enum(filterNames), Values: z.array(z.string()).min(1) }));

/** What the KMS does with keys, versions and aliases, other than encrypting (spec alibaba-cloud 1.2). */
export function management(keys: KeyStore): Readonly<Record<string, CloudOperation>> {
  const recordedParameters = [
    "KeyId",
    "KeyVersionId",
    "KeySpec",
    "KeyUsage",
    "Origin",
    "ProtectionLevel",
    "EnableAutomaticRotation",
    "RotationInterval",
    "PendingWindowInDays",
    "ProtectedResourceArn",
    "EnableDeletionProtection",
    "AliasName",
    "PageNumber",
    "PageSize",
  ];
  type Handle = (call: CloudCall) => JsonObject | undefined;
  const operation = (access: "Read" | "Write", quota: "metadata" | "change" | "create-key", handle: Handle): CloudOperation => ({
    access,
    quota,
    recordedParameters,
    handle: (call) => ({ body: handle(call) ?? {} }),
  });
  const read = (handle: Handle) => operation("Read", "metadata", handle);
  const change = (handle: Handle) => operation("Write", "change", handle);

  /** The key that a parameter names, once the caller's right to it is clear. */
  const keyFor = (call: CloudCall, parameter = "KeyId"): KeyRecord => {
    const given = required(call.parameters, parameter);
    call.authorize(`kms:${call.action}`, keys.arnMeantBy(given));
    const key = keys.get(given);
    call.concerns(keyResource, key.id);
    return key;
  };

  const aliasName = ({ parameters }: CloudCall): string => {
    const name = required(parameters, "AliasName");
    if (!/^alias\/[A-Za-z0-9/_-]{1,249}$/.test(name) || name.startsWith("alias/acs")) throw invalid("AliasName");
    return name;
  };
  const aliases = (of: (keyId: string) => boolean, call: CloudCall) =>
    page(
      call,
      keys.aliases
        .filter(({ keyId }) => of(keyId))
        .map(({ name, keyId }) => ({ AliasName: name, AliasArn: keys.aliasArn(name), KeyId: keyId })),
      (Alias) => ({ Aliases: { Alias } }),
    );

  const metadata = (key: KeyRecord): JsonObject => {
    const nextMs = keys.nextRotationMs(key);
    const rotates = key.rotation !== undefined;
    return {
      KeyId: key.id,
      Arn: keys.arnOf(key),
      KeySpec: key.spec,
      KeyUsage: key.usage,
      KeyState: key.state,
      Origin: key.origin,
      ProtectionLevel: key.protectionLevel,
      Creator: key.creator,
      CreationDate: utcSeconds(key.createdMs),
      Description: key.description,
      PrimaryKeyVersion: keys.primary(key).id,
      LastRotationDate: utcSeconds(keys.primary(key).createdMs),
      AutomaticRotation: rotates ? (key.state === "Enabled" ? "Enabled" : "Suspended") : "Disabled",
      ...(key.rotation === undefined ? {} : { RotationInterval: `${key.rotation.everyMs / 1000}s` }),
      ...(nextMs === undefined ? {} : { NextRotationDate: utcSeconds(nextMs) }),
      DeleteDate: key.deleteMs === undefined ? "" : utcSeconds(key.deleteMs),
      MaterialExpireTime: "",
      DeletionProtection: key.deletionProtection ? "Enabled" : "Disabled",
      DeletionProtectionDescription: key.deletionProtectionDescription,
    };
  };
  const version = (key: KeyRecord, { id, createdMs }: KeyVersionRecord) => ({
    KeyId: key.id,
    KeyVersionId: id,
    CreationDate: utcSeconds(createdMs),
  });

  return {
    CreateKey: operation("Write", "create-key", (call) => {
      const { parameters, caller } = call;
      call.authorize("kms:CreateKey", keys.container);
      refuseUnknown(parameters, ["Policy", "DKMSInstanceId"]);
      const spec = parameters.get("KeySpec") || symmetricSpec;
      const usage = parameters.get("KeyUsage") || usages[spec]?.[0];
      if (usage === undefined) throw invalid("KeySpec");
      if (usages[spec]?.includes(usage) !== true) throw invalid("KeyUsage");
      const origin = oneOf(parameters, "Origin", ["Aliyun_KMS", "EXTERNAL"] as const);
      const protectionLevel = oneOf(parameters, "ProtectionLevel", ["SOFTWARE", "HSM"] as const);
      const description = parameters.get("Description") ?? "";
      if (description.length > 8192) throw invalid("Description");
      const tags = json(parameters, "Tags", tagsSchema) ?? [];
      const everyMs = rotationOf(parameters);
      if (everyMs !== undefined) refuseRotation({ spec, origin });
      if (keys.all.length >= keysMax) throw new CloudError(400, "Rejected.LimitExceeded", "The limit of keys is exceeded.");
      const key = keys.create({
        spec,
        usage,
        origin,
        protectionLevel,
        description,
        creator: caller.accountId,
        tags: Object.fromEntries(tags.map(({ TagKey, TagValue }) => [TagKey, TagValue])),
      });
      if (everyMs !== undefined) keys.setRotation(key, everyMs);
      call.concerns(keyResource, key.id);
      return { KeyMetadata: metadata(key) };
    }),
    DescribeKey: read((call) => ({ KeyMetadata: metadata(keyFor(call)) })),
    ListKeys: read((call) => {
      call.authorize("kms:ListKeys", keys.container);
      const filters = json(call.parameters, "Filters", filtersSchema) ?? [];
      const filtered = (key: KeyRecord, name: (typeof filterNames)[number]) =>
        ({ KeyState: key.state, KeySpec: key.spec, KeyUsage: key.usage, ProtectionLevel: key.protectionLevel, CreatorType: "User" })[name];
      const chosen = keys.all.filter((key) => filters.every(({ Key, Values }) => Values.includes(filtered(key, Key))));
      return page(
        call,
        chosen.map((key) => ({ KeyId: key.id, KeyArn: keys.arnOf(key) })),
        (Key) => ({ Keys: { Key } }),
      );
    }),
    UpdateKeyDescription: change((call) => {
      const key = keyFor(call);
      const description = required(call.parameters, "Description");
      if (description.length > 8192) throw invalid("Description");
      refuseInState(key, "UpdateKeyDescription");
      keys.describe(key, description);
      return undefined;
    }),

    UpdateRotationPolicy: change((call) => {
      const key = keyFor(call);
      if (optionalBoolean(call.parameters, "EnableAutomaticRotation") === undefined) required(call.parameters, "EnableAutomaticRotation");
      const everyMs = rotationOf(call.parameters);
      refuseInState(key, "UpdateRotationPolicy");
      refuseRotation(key);
      keys.setRotation(key, everyMs);
      return undefined;
    }),
    CreateKeyVersion: change((call) => {
      const key = keyFor(call);
      // Only asymmetric keys: nobody can rotate an Aliyun_AES_256 key by hand (spec alibaba-cloud 1.3).
      if (symmetricSpecs.includes(key.spec)) {
        throw new CloudError(400, "Rejected.UnsupportedOperation", "The operation is not supported by the specification of the key.");
      }
      refuseInState(key, "use");
      const isTooSoon = keys.primary(key).createdMs + madeVersionsApartMs > keys.nowMs();
      if (isTooSoon || key.versions.length >= madeVersionsMax) {
        throw new CloudError(400, "Rejected.LimitExceeded", "The limit of key versions is exceeded.");
      }
      return { KeyVersion: version(key, keys.rotate(key.id)) };
    }),
    DescribeKeyVersion: read((call) => {
      const key = keyFor(call);
      const id = required(call.parameters, "KeyVersionId");
      const found = key.versions.find((each) => each.id === id);
      if (found === undefined) throw new CloudError(404, "Forbidden.KeyVersionNotFound", "The specified Key version is not found.");
      return { KeyVersion: version(key, found) };
    }),
    ListKeyVersions: read((call) => {
      const key = keyFor(call);
      return page(
        call,
        key.versions.map((each) => version(key, each)),
        (KeyVersion) => ({ KeyVersions: { KeyVersion } }),
      );
    }),

    EnableKey: change((call) => {
      const key = keyFor(call);
      refuseInState(key, "EnableKey");
      keys.setState(key, "Enabled");
      return undefined;
    }),
    DisableKey: change((call) => {
      const key = keyFor(call);
      refuseInState(key, "DisableKey");
      keys.setState(key, "Disabled");
      return undefined;
    }),
    ScheduleKeyDeletion: change((call) => {
      const key = keyFor(call);
      const days = optionalInteger(call.parameters, "PendingWindowInDays", 7, 366);
      if (days === undefined) throw new CloudError(400, "MissingParameter", "The parameter PendingWindowInDays is needed.");
      refuseInState(key, "ScheduleKeyDeletion");
      // What the real one answers for a protected key was not to be found (spec alibaba-cloud 10).
      if (key.deletionProtection) {
        throw new CloudError(
          409,
          "Rejected.DeletionProtected",
          "The request was rejected because deletion protection is enabled for the key.",
        );
      }
      keys.scheduleDeletion(key, days * dayMs);
      return undefined;
    }),
    CancelKeyDeletion: change((call) => {
      const key = keyFor(call);
      refuseInState(key, "CancelKeyDeletion");
      keys.setState(key, "Enabled");
      return undefined;
    }),
    SetDeletionProtection: change((call) => {
      const key = keyFor(call, "ProtectedResourceArn");
      const enabled = optionalBoolean(call.parameters, "EnableDeletionProtection");
      if (enabled === undefined) throw new CloudError(400, "MissingParameter", "The parameter EnableDeletionProtection is needed.");
      keys.setDeletionProtection(key.id, enabled, call.parameters.get("DeletionProtectionDescription") ?? "");
      return undefined;
    }),

    CreateAlias: change((call) => {
      const name = aliasName(call);
      call.authorize("kms:CreateAlias", keys.aliasArn(name));
      const key = keyFor(call);
      refuseInState(key, "CreateAlias");
      if (keys.aliases.length >= aliasesMax) throw new CloudError(400, "Rejected.LimitExceeded", "The limit of aliases is exceeded.");
      keys.createAlias(name, key);
      return undefined;
    }),
    UpdateAlias: change((call) => {
      const name = aliasName(call);
      call.authorize("kms:UpdateAlias", keys.aliasArn(name));
      const key = keyFor(call);
      refuseInState(key, "UpdateAlias");
      keys.updateAlias(name, key);
      return undefined;
    }),
    DeleteAlias: change((call) => {
      const name = aliasName(call);
      call.authorize("kms:DeleteAlias", keys.aliasArn(name));
      keys.deleteAlias(name);
      return undefined;
    }),
    ListAliases: read((call) => {
      call.authorize("kms:ListAliases", `${keys.aliasArn("alias")}`);
      return aliases(() => true, call);
    }),
    ListAliasesByKeyId: read((call) => {
      const { id } = keyFor(call);
      return aliases((keyId) => keyId === id, call);
    }),

    DescribeAccountKmsStatus: read((call) => {
      call.authorize("kms:DescribeAccountKmsStatus", keys.container);
      return { AccountStatus: "Enabled" };
    }),
  };
}

function refuseRotation({ spec, origin }: Pick<KeyRecord, "spec" | "origin">): void {
  if (origin === "EXTERNAL") throw new CloudError(400, "Unsupported.Origin", "The operation is not supported by the origin of the key.");
  if (spec !== symmetricSpec) {
    throw new CloudError(400, "Rejected.UnsupportedOperation", "The operation is not supported by the specification of the key.");
  }
}

const unitsMs: Readonly<Record<string, number>> = { d: dayMs, h: 3_600_000, m: 60_000, s: 1000 };

/**
 * The interval of automatic rotation, or undefined where it is not asked for. 7 to 730 days, as the page of UpdateRotationPolicy says;
 * newer pages of CreateKey say less for some kinds of keys (spec alibaba-cloud 1.3).
 */
function rotationOf(parameters: ReadonlyMap<string, string>): number | undefined {
  if (optionalBoolean(parameters, "EnableAutomaticRotation") !== true) return undefined;
  const [, count, unit = ""] = /^(\d{1,9})([dhms])$/.exec(required(parameters, "RotationInterval")) ?? [];
  const everyMs = Number(count) * (unitsMs[unit] ?? Number.NaN);
  if (!(everyMs >= 7 * dayMs && everyMs <= 730 * dayMs)) throw invalid("RotationInterval");
  return everyMs;
}

function oneOf<const Choice extends string>(
  parameters: ReadonlyMap<string, string>,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const value = parameters.get(name) || choices[0];
  const choice = choices.find((each) => each === value);
  if (choice === undefined) throw invalid(name);
  return choice;
}

function json<Schema extends z.ZodType>(parameters: ReadonlyMap<string, string>, name: string, schema: Schema) {
  const text = parameters.get(name) ?? "";
  if (text === "") return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid(name);
  }
  const checked = schema.safeParse(parsed);
  if (!checked.success) throw invalid(name);
  return checked.data;
}

/** One page of a list, 10 entries unless the call says otherwise. */
function page({ parameters }: CloudCall, all: readonly JsonObject[], list: (entries: readonly JsonObject[]) => JsonObject): JsonObject {
  const number = optionalInteger(parameters, "PageNumber", 1, 1_000_000) ?? 1;
  const size = optionalInteger(parameters, "PageSize", 1, 100) ?? 10;
  return { ...list(all.slice((number - 1) * size, number * size)), TotalCount: all.length, PageNumber: number, PageSize: size };
}
