import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../harness/virtual-clock.ts";
import { startAlibabaCloud } from "./index.ts";
import { arrange, base64 } from "./testing/cloud.ts";

describe("the state file", () => {
  it("keeps keys, users, sessions, events and what other services keep over a restart", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-"));
    const stateFile = join(folder.path, "cloud.json");
    const loaded: unknown[] = [];
    const services = [
      () => ({
        ...({ product: "Other", version: "2000-01-01", style: "rpc", operations: {} } as const),
        save: () => ({ clusters: 3 }),
        load: (saved: unknown) => void loaded.push(saved),
      }),
    ];
    const Plaintext = base64("kept");
    const before = await arrange({ stateFile, services });
    const { keyId: KeyId } = before.admin.createKey({ alias: "alias/kept" });
    const user = before.admin.createUser("ann", ["AliyunKMSCryptoAdminAccess"]);
    const session = before.cloud.roles.assumeAsService({
      servicePrincipal: "ecs.aliyuncs.com",
      roleName: "KmsmarkPluginRole",
      sessionName: "s1",
    });
    const { CiphertextBlob } = await before.clientOf(user).call("Kms", "Encrypt", { KeyId, Plaintext });
    before.admin.rotateKey(KeyId);
    before.admin.advance(3_600_000);
    await before[Symbol.asyncDispose]();
    expect(statSync(stateFile).mode & 0o777).toBe(0o600);
    expect(existsSync(`${stateFile}.new`)).toBe(false);

    await using after = await arrange({ stateFile, services });
    expect(after.running.root).toEqual(before.running.root);
    for (const credentials of [user, session]) {
      const opened = await after.clientOf(credentials).call("Kms", "Decrypt", { CiphertextBlob: String(CiphertextBlob) });
      expect(opened).toMatchObject({ Plaintext, KeyId });
    }
    expect(await after.root.call("Kms", "ListKeyVersions", { KeyId: "alias/kept" })).toMatchObject({ TotalCount: 2 });
    expect(after.events.map(({ record }) => record["eventName"])).toEqual([
      "AssumeRole",
      "Encrypt",
      "Decrypt",
      "Decrypt",
      "ListKeyVersions",
    ]);
    expect(loaded).toEqual([{ clusters: 3 }]);
  });

  it("has a key before anybody may use it", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-"));
    const stateFile = join(folder.path, "cloud.json");
    await using cloud = await arrange({ stateFile });
    const { KeyMetadata } = await cloud.root.call("Kms", "CreateKey");
    const { KeyId } = { KeyId: "", ...Object(KeyMetadata) };
    expect(JSON.parse(readFileSync(stateFile, "utf8")).keys.keys).toMatchObject([{ id: KeyId }]);
    await cloud.root.call("Kms", "DisableKey", { KeyId });
    expect(JSON.parse(readFileSync(stateFile, "utf8")).keys.keys).toMatchObject([{ id: KeyId, state: "Disabled" }]);
    await cloud.root.call("Ram", "CreateUser", { UserName: "ann" });
    expect(JSON.parse(readFileSync(stateFile, "utf8")).ram.users).toMatchObject([{ name: "ann" }]);
  });

  it("a version made by the calendar is on the disk before it encrypts", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-"));
    const stateFile = join(folder.path, "cloud.json");
    await using cloud = await arrange({ stateFile });
    const { keyId: KeyId } = cloud.admin.createKey({ everyMs: 7 * 86_400_000 });
    cloud.admin.advance(7 * 86_400_000);
    const { KeyVersionId } = await cloud.root.call("Kms", "Encrypt", { KeyId, Plaintext: "YQ==" });
    const { versions } = JSON.parse(readFileSync(stateFile, "utf8")).keys.keys[0];
    expect(versions).toHaveLength(2);
    expect(versions[1].id).toBe(KeyVersionId);
  });

  it.each([
    ["cloud-state-bad", '{"format":"kmsmark-alibaba-cloud/1","secret":"s3cr3t"}', 0o600],
    ["cloud-state-bad", "s3cr3t", 0o600],
    ["cloud-state-mode", "{}", 0o644],
  ])("%s: is refused without being quoted", async (code, text, mode) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-"));
    const stateFile = join(folder.path, "cloud.json");
    writeFileSync(stateFile, text);
    chmodSync(stateFile, mode);
    const refused = await startAlibabaCloud({ stateFile }).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code });
    expect(String(refused)).not.toContain("s3cr3t");
    expect(readFileSync(stateFile, "utf8")).toBe(text);
  });

  it("is not written any more once the cloud has stopped", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-"));
    const stateFile = join(folder.path, "cloud.json");
    const clock = new VirtualClock();
    const cloud = await startAlibabaCloud({ stateFile, clock });
    cloud.admin.createKey();
    await cloud[Symbol.asyncDispose]();
    expect(JSON.parse(readFileSync(stateFile, "utf8")).keys.keys).toHaveLength(1);
    writeFileSync(stateFile, "another's");
    cloud.admin.createKey();
    await cloud.cloud.changed();
    await clock.advance(10_000);
    expect(readFileSync(stateFile, "utf8")).toBe("another's");
  });

  it("has sessions and events two seconds later, or somebody is told why not", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-"));
    const stateFile = join(folder.path, "cloud.json");
    const clock = new VirtualClock();
    const { promise: defect, resolve: onDefect } = Promise.withResolvers<unknown>();
    const cloud = await startAlibabaCloud({ stateFile, clock, onDefect });
    cloud.cloud.roles.assumeAsService({ servicePrincipal: "ecs.aliyuncs.com", roleName: "KmsmarkPluginRole", sessionName: "s1" });
    // A folder in the place of the file that is exchanged for it: nothing can be written.
    mkdirSync(`${stateFile}.new/full`, { recursive: true });
    await clock.advance(1999);
    expect(JSON.parse(readFileSync(stateFile, "utf8")).sessions).toHaveLength(0);
    await clock.advance(1);
    expect(await defect).toMatchObject({ code: "cloud-state-unwritable" });
    rmSync(`${stateFile}.new`, { recursive: true });
    await cloud[Symbol.asyncDispose]();
    const kept = JSON.parse(readFileSync(stateFile, "utf8"));
    expect(kept).toMatchObject({ sessions: [{ sessionName: "s1" }], events: [{ record: { eventName: "AssumeRole" } }] });
  });

  it("is of one process at a time, and of the next where one was killed", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-"));
    const stateFile = join(folder.path, "cloud.json");
    {
      await using _first = await startAlibabaCloud({ stateFile });
      await expect(startAlibabaCloud({ stateFile })).rejects.toMatchObject({ code: "cloud-state-in-use" });
    }
    expect(readdirSync(folder.path)).toEqual(["cloud.json"]);
    for (const left of [JSON.stringify({ pid: 2 ** 22 + 1, startMark: "1" }), "half a fi"]) {
      writeFileSync(`${stateFile}.owner`, left);
      await using again = await startAlibabaCloud({ stateFile });
      expect(again.region).toBe("cn-hangzhou");
    }
  });

  it("is of one region", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-"));
    const stateFile = join(folder.path, "cloud.json");
    await (await startAlibabaCloud({ stateFile, region: "cn-beijing" }))[Symbol.asyncDispose]();
    await expect(startAlibabaCloud({ stateFile, region: "cn-shanghai" })).rejects.toMatchObject({ code: "cloud-state-elsewhere" });
    await using again = await startAlibabaCloud({ stateFile });
    expect(again.region).toBe("cn-beijing");
  });
});

describe("the port", () => {
  it("is told of where another has it", async () => {
    await using cloud = await startAlibabaCloud();
    const port = Number(new URL(cloud.url).port);
    await expect(startAlibabaCloud({ port })).rejects.toMatchObject({ code: "cloud-port-unusable" });
  });
});
