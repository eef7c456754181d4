import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { connectKmsV2 } from "../../../harness/kms/client.ts";
import { ack, kmsChangePauseMs, sessionCharacters } from "./ack.ts";
import type { ClusterDriver, ClusterKms } from "./ack-driver.ts";
import { PluginDriver } from "./ack-plugin-driver.ts";
import { type AlibabaCloudOptions, type RunningCloud, startAlibabaCloud } from "./index.ts";
import { CsSdk, verdictOf } from "./testing/cs-sdk.ts";
import { OpenApiCore } from "./testing/openapi-core.ts";
import { ShiftedClock } from "./testing/shifted-clock.ts";

/** Does what the test says, and remembers what it was told. */
class ScriptedDriver implements ClusterDriver {
  readonly told: string[] = [];
  readonly kms: ClusterKms[] = [];
  gate: Promise<void> = Promise.resolve();

  async create(_cluster: unknown, kms: ClusterKms | undefined): Promise<void> {
    await this.#take(`create ${kms === undefined ? "plain" : "encrypted"}`, kms);
  }

  async enable(_cluster: unknown, kms: ClusterKms): Promise<void> {
    await this.#take("enable", kms);
  }

  async disable(): Promise<void> {
    await this.#take("disable", undefined);
  }

  async delete(): Promise<void> {
    await this.#take("delete", undefined);
  }

  async #take(what: string, kms: ClusterKms | undefined): Promise<void> {
    this.told.push(what);
    if (kms !== undefined) this.kms.push(kms);
    await this.gate;
  }
}

const trust = { Version: "1", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: ["cs.aliyuncs.com"] } }] };

function authorise({ admin }: RunningCloud): void {
  admin.createRole("AliyunCSManagedSecurityRole", trust, ["AliyunCSManagedSecurityRolePolicy"]);
}

async function startWith(options: AlibabaCloudOptions = {}) {
  const driver = new ScriptedDriver();
  const clock = new ShiftedClock();
  const cloud = await startAlibabaCloud({ eventDelayMs: 0, clock, services: [ack({ driver: () => driver })], ...options });
  return { cloud, driver, clock, sdk: new CsSdk(cloud.endpoint, cloud.root), [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose]() };
}

/** Once a cluster is in the state. */
async function inState(sdk: CsSdk, clusterId: string, state: string): Promise<string | undefined> {
  await expect.poll(async () => (await sdk.describe(clusterId)).state).toBe(state);
  return (await sdk.describe(clusterId)).metaData;
}

describe("the service role", () => {
  it("is granted once it trusts ACK and has its policy; without it nothing is encrypted", async () => {
    await using world = await startWith();
    const { cloud, sdk } = world;
    const { keyId } = cloud.admin.createKey();
    const { clusterId } = await sdk.create();
    await inState(sdk, clusterId, "running");
    expect(await sdk.isGranted("AliyunCSManagedSecurityRole")).toBe(false);
    expect(await verdictOf(sdk.create(keyId))).toBe("403 MissingAuth.AliyuncsManagedSecurityRole");
    expect(await verdictOf(sdk.updateKms(clusterId, { kmsKeyId: keyId }))).toBe("400 ErrManagedSecurityRoleNotAttach");
    authorise(cloud);
    expect(await sdk.isGranted("AliyunCSManagedSecurityRole")).toBe(true);
    expect(await verdictOf(sdk.create(keyId))).toBe("accepted");
  });
});

describe("a cluster that is created with a key", () => {
  it("is initial, then running; its detail names the key, and the key is protected", async () => {
    await using world = await startWith();
    const { cloud, sdk, driver } = world;
    authorise(cloud);
    const { keyId } = cloud.admin.createKey();
    const gate = Promise.withResolvers<void>();
    driver.gate = gate.promise;
    const { clusterId, taskId } = await sdk.create(keyId);
    expect([(await sdk.describe(clusterId)).state, await sdk.taskState(taskId)]).toEqual(["initial", "running"]);
    gate.resolve();
    expect(JSON.parse((await inState(sdk, clusterId, "running")) ?? "")).toEqual({ Capabilities: { EncryptionKMSKeyId: keyId } });
    expect(await sdk.taskState(taskId)).toBe("success");
    expect(driver.told).toEqual(["create encrypted"]);
    expect(cloud.cloud.keys.find(keyId)?.deletionProtection).toBe(true);
  });

  it("has failed where its control plane could not be brought up", async () => {
    await using world = await startWith();
    const { cloud, sdk, driver } = world;
    authorise(cloud);
    driver.gate = Promise.reject(new Error("no"));
    driver.gate.catch(() => {});
    const { clusterId, taskId } = await sdk.create(cloud.admin.createKey().keyId);
    await inState(sdk, clusterId, "failed");
    expect(await sdk.taskState(taskId)).toBe("fail");
  });
});

describe("the key", () => {
  it.each([
    ["that is not there", () => "key-hzz0000000000000000", "404 Forbidden.KeyNotFound"],
    ["of another region", () => "acs:kms:cn-beijing:1234567890123456:key/key-x", "400 InvalidParameter"],
    [
      "that is disabled",
      ({ admin }: RunningCloud) => {
        const { keyId } = admin.createKey();
        admin.setKeyState(keyId, "Disabled");
        return keyId;
      },
      "409 Rejected.Disabled",
    ],
    [
      "of another specification",
      ({ admin }: RunningCloud) => admin.createKey({ spec: "RSA_2048", usage: "ENCRYPT/DECRYPT" }).keyId,
      "400 Rejected.UnsupportedOperation",
    ],
    ["of a service", ({ admin }: RunningCloud) => admin.createKey({ creator: "Ecs" }).keyId, "400 Rejected.UnsupportedOperation"],
    [
      "that waits for its deletion",
      ({ admin }: RunningCloud) => {
        const { keyId } = admin.createKey();
        admin.deleteKeyAfter(keyId, 86_400_000);
        return keyId;
      },
      "409 Rejected.PendingDeletion",
    ],
  ])("%s is refused", async (_, keyOf, verdict) => {
    await using world = await startWith();
    authorise(world.cloud);
    expect(await verdictOf(world.sdk.create(keyOf(world.cloud)))).toBe(verdict);
    expect(world.driver.told).toEqual([]);
  });
});

describe("a change of the encryption", () => {
  it("takes a cluster over updating, and no other is accepted meanwhile, nor for 5 minutes", async () => {
    await using world = await startWith();
    const { cloud, sdk, driver, clock } = world;
    authorise(cloud);
    const { keyId } = cloud.admin.createKey();
    const { clusterId } = await sdk.create();
    expect(JSON.parse((await inState(sdk, clusterId, "running")) ?? "")).toEqual({ Capabilities: {} });
    const gate = Promise.withResolvers<void>();
    driver.gate = gate.promise;
    expect(await sdk.updateKms(clusterId, { kmsKeyId: keyId })).toBe(200);
    expect((await sdk.describe(clusterId)).state).toBe("updating");
    expect(await verdictOf(sdk.updateKms(clusterId, { disableEncryption: true }))).toBe("409 ErrClusterStatus");
    gate.resolve();
    await inState(sdk, clusterId, "running");
    expect(await verdictOf(sdk.updateKms(clusterId, { disableEncryption: true }))).toBe("409 ErrKMSEncryptionUpdateTooOften");
    clock.advance(kmsChangePauseMs);
    expect(await verdictOf(sdk.updateKms(clusterId, { disableEncryption: true }))).toBe("accepted");
    expect(JSON.parse((await inState(sdk, clusterId, "running")) ?? "")).toEqual({ Capabilities: { DisableEncryption: true } });
    expect(driver.told).toEqual(["create plain", "enable", "disable"]);
  });

  it("is for administrators of the cluster with rights to ACK and to the key", async () => {
    await using world = await startWith();
    const { cloud, sdk } = world;
    authorise(cloud);
    const { keyId } = cloud.admin.createKey();
    const { clusterId } = await sdk.create();
    await inState(sdk, clusterId, "running");
    const user = (name: string, policies: string[]) => new CsSdk(cloud.endpoint, cloud.admin.createUser(name, policies));
    const change = (by: CsSdk) => verdictOf(by.updateKms(clusterId, { kmsKeyId: keyId }));
    expect(await change(user("nobody", ["AliyunKMSCryptoAdminAccess"]))).toBe("403 NoPermission");
    const reader = user("reader", ["AliyunCSFullAccess", "AliyunKMSCryptoAdminAccess"]);
    expect(await change(reader)).toBe("403 ForbiddenUpdateKMSState");
    const keyless = user("keyless", ["AliyunCSFullAccess"]);
    await sdk.grantAdmin(await userIdOf(cloud, "keyless"), clusterId);
    expect(await change(keyless)).toBe("403 NoPermission");
    await sdk.grantAdmin(await userIdOf(cloud, "reader"), clusterId);
    expect(await change(reader)).toBe("accepted");
  });
});

describe("after a restart of the cloud", () => {
  it("clusters are there as they were", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-ack-test-"));
    const stateFile = join(folder.path, "cloud.json");
    let clusterId: string;
    let keyId: string;
    {
      await using world = await startWith({ stateFile });
      authorise(world.cloud);
      ({ keyId } = world.cloud.admin.createKey());
      ({ clusterId } = await world.sdk.create(keyId));
      await inState(world.sdk, clusterId, "running");
    }
    await using world = await startWith({ stateFile });
    expect(await inState(world.sdk, clusterId, "running")).toBe(JSON.stringify({ Capabilities: { EncryptionKMSKeyId: keyId } }));
  });
});

describe("without control planes", () => {
  it("the plugin of a cluster encrypts with credentials of the role, which the trail shows, and is gone with the cloud", async () => {
    const clock = new ShiftedClock();
    const driver = await PluginDriver.open(clock);
    await using cloud = await startAlibabaCloud({ eventDelayMs: 0, clock, services: [ack({ driver: () => driver })] });
    authorise(cloud);
    const { keyId } = cloud.admin.createKey();
    const sdk = new CsSdk(cloud.endpoint, cloud.root);
    const { clusterId } = await sdk.create(keyId);
    await inState(sdk, clusterId, "running");
    {
      using kms = connectKmsV2(join(driver.folder, `${clusterId}-1.sock`));
      const plaintext = Buffer.alloc(32, 7);
      const sealed = await kms.encrypt({ plaintext, uid: "u" });
      expect(sealed.keyId.startsWith(`${keyId}/`)).toBe(true);
      expect((await kms.decrypt({ ...sealed, uid: "u" })).plaintext).toEqual(new Uint8Array(plaintext));
    }
    const by = cloud.events.filter(({ record }) => record["serviceName"] === "Kms" && record["errorCode"] === undefined);
    expect(by.map(({ record }) => record["eventName"])).toEqual(expect.arrayContaining(["DescribeKey", "Encrypt", "Decrypt"]));
    expect(new Set(by.map(({ record }) => JSON.stringify(Reflect.get(Object(record["userIdentity"]), "userName"))))).toEqual(
      new Set([JSON.stringify(`aliyuncsmanagedsecurityrole:${clusterId.slice(0, sessionCharacters)}`)]),
    );
  });
});

const userSchema = z.object({ User: z.object({ UserId: z.string() }) });

/** As RAM's own GetUser tells it. */
async function userIdOf({ endpoint, root }: RunningCloud, name: string): Promise<string> {
  return userSchema.parse(await new OpenApiCore(endpoint, root).call("Ram", "GetUser", { UserName: name })).User.UserId;
}
