import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callCli } from "../../harness/cli-call.ts";
import { systemClock } from "../../harness/clock.ts";
import { connectKmsV2 } from "../../harness/kms/client.ts";
import { Lease } from "../../harness/lease.ts";
import { readRun } from "../../harness/run/read-run.ts";
import { embeddedTarget } from "../../harness/target/embedded.ts";
import { defaultVersions, removeContainer } from "../../harness/target/install/index.ts";
import { renderKubeconfig } from "../../harness/target/kubeconfig.ts";
import { ack } from "../../plugins/emulators/alibaba/ack.ts";
import { PluginDriver } from "../../plugins/emulators/alibaba/ack-plugin-driver.ts";
import { ackRole } from "../../plugins/emulators/alibaba/ack-rules.ts";
import { startAlibabaCloud } from "../../plugins/emulators/alibaba/index.ts";
import { CsSdk } from "../../plugins/emulators/alibaba/testing/cs-sdk.ts";
import { ClusterPlanes } from "./cluster-planes.ts";

const trust = {
  Version: "1",
  Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: [ackRole.servicePrincipal] } }],
};

/** A cloud with a cluster whose plugin has encrypted and decrypted once. */
async function startCluster({ isEncrypted = true } = {}) {
  await using held = new AsyncDisposableStack();
  const driver = await PluginDriver.open(systemClock);
  const cloud = held.use(await startAlibabaCloud({ eventDelayMs: 0, services: [ack({ driver: () => driver })] }));
  cloud.admin.createRole(ackRole.name, trust, [ackRole.policy]);
  const { keyId } = cloud.admin.createKey();
  const sdk = new CsSdk(cloud.endpoint, cloud.root);
  const { clusterId } = await sdk.create(isEncrypted ? keyId : undefined);
  await expect.poll(async () => (await sdk.describe(clusterId)).state).toBe("running");
  if (isEncrypted) {
    using kms = connectKmsV2(join(driver.folder, `${clusterId}-1.sock`));
    await kms.decrypt({ ...(await kms.encrypt({ plaintext: Buffer.alloc(32), uid: "u" })), uid: "u" });
  }
  const folder = held.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-verify-")));
  const user = cloud.admin.createUser("auditor", ["AliyunCSFullAccess", "AliyunKMSCryptoAdminAccess", "AliyunActionTrailReadOnlyAccess"]);
  const all = held.move();
  const verify = async (more: readonly string[] = [], endpoint = cloud.url) => {
    const out = join(folder.path, `run-${more.length}`);
    const words = ["ack", "verify", "--cluster", clusterId, "--region", cloud.region, "--deadline", "1", "--out", out, ...more];
    const endpoints = ["cs", "kms", "actiontrail"].flatMap((name) => [`--endpoint-${name}`, endpoint]);
    const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: user.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: user.accessKeySecret };
    return { ...(await callCli([...words, ...endpoints], { environment })), out, secret: user.accessKeySecret };
  };
  return { cloud, clusterId, keyId, user, verify, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** The same with a control plane, whose kubeconfig is in the folder. */
async function startServedCluster(folder: string) {
  await using held = new AsyncDisposableStack();
  const lease = held.use(Lease.take("test", removeContainer));
  const { signal } = new AbortController();
  const planes = new ClusterPlanes({ ...defaultVersions, target: embeddedTarget, lease, clock: systemClock, signal });
  const cloud = held.use(await startAlibabaCloud({ eventDelayMs: 0, services: [ack({ driver: () => planes })] }));
  cloud.admin.createRole(ackRole.name, trust, [ackRole.policy]);
  const sdk = new CsSdk(cloud.endpoint, cloud.root);
  const { clusterId } = await sdk.create(cloud.admin.createKey().keyId);
  await expect.poll(async () => (await sdk.describe(clusterId)).state, { timeout: 10_000 }).toBe("running");
  const { plane, client } = planes.of(clusterId);
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, renderKubeconfig("test", plane.api), { mode: 0o600 });
  const all = held.move();
  const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: cloud.root.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: cloud.root.accessKeySecret };
  const endpoints = ["cs", "kms", "actiontrail"].flatMap((name) => [`--endpoint-${name}`, cloud.url]);
  const words = ["ack", "verify", "--cluster", clusterId, "--region", cloud.region, "--create-test-secret", kubeconfig, ...endpoints];
  return {
    plane,
    client,
    verify: (deadline: string) => callCli([...words, "--deadline", deadline, "--out", join(folder, `run-${deadline}`)], { environment }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

describe("kmsmark ack verify --create-test-secret", { timeout: 30_000 }, () => {
  it("makes a Secret, removes it, and waits for an Encrypt; with KMS v2 there may be none", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-verify-"));
    await using cluster = await startServedCluster(folder.path);
    // The seed's own Encrypt, from before, is of another second then.
    const second = Math.ceil(systemClock.wallMs() / 1000);
    await expect.poll(() => Math.floor(systemClock.wallMs() / 1000), { timeout: 3000 }).toBeGreaterThanOrEqual(second);
    expect((await cluster.verify("1")).code).toBe(1);
    const { steps } = await readRun(join(folder.path, "run-1"));
    expect(steps.at(-1)?.remedy).toContain("With KMS v2 many Secrets share one call");
    expect((await cluster.client.listSecrets({ namespace: "default" })).text()).not.toContain("kmsmark-verify-");

    const verifying = cluster.verify("20");
    await expect
      .poll(async () => (await readRun(join(folder.path, "run-20")).catch(() => undefined))?.steps.length, { timeout: 10_000 })
      .toBe(4);
    // It gets a new seed by an Encrypt.
    await cluster.plane.startApiServer();
    expect(await verifying).toMatchObject({ code: 0, stdout: expect.stringContaining("5 of 5 steps verified.") });
  });
});

describe("kmsmark ack verify", { timeout: 30_000 }, () => {
  it("verifies a cluster by its detail, its key, the role and the events, and changes nothing", async () => {
    await using cluster = await startCluster();
    const { code, stdout, stderr, out, secret } = await cluster.verify();
    expect([code, stdout]).toEqual([0, expect.stringContaining("4 of 4 steps verified.")]);
    const { steps, kmsEvents } = await readRun(out);
    expect(steps.map(({ id }) => id)).toEqual(["verify/cluster", "verify/role", "verify/key", "verify/events"]);
    expect(kmsEvents.filter(({ keyId, errorCode }) => keyId === cluster.keyId && errorCode === null).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Encrypt", "Decrypt"]),
    );
    expect(stdout + stderr).not.toContain(secret);
    const byUser = cluster.cloud.events.filter(({ record }) => JSON.stringify(record).includes(`"userName":"auditor"`));
    expect(new Set(byUser.map(({ record }) => record["eventRW"]))).toEqual(new Set(["Read"]));
  });

  it("says what to do where encryption is off, and looks at the role all the same", async () => {
    await using cluster = await startCluster({ isEncrypted: false });
    const { code, stdout, out } = await cluster.verify();
    expect(code).toBe(1);
    expect(stdout).toContain("The cluster does not encrypt its Secrets: its meta_data names no key.");
    expect((await readRun(out)).steps.map(({ verdict }) => verdict)).toEqual(["failed", "verified", "skipped", "skipped"]);
  });

  it("ends with 1 where the key is disabled, and where there is no such cluster", async () => {
    await using cluster = await startCluster();
    cluster.cloud.admin.setKeyState(cluster.keyId, "Disabled");
    const { code, stdout } = await cluster.verify();
    expect([code, stdout]).toEqual([1, expect.stringContaining("The key is Disabled.")]);
  });

  it("ends with 1 where the trail does not show the role's calls within the deadline", async () => {
    await using cluster = await startCluster();
    // Events from before the last second and a half do not count.
    const { code, stdout } = await cluster.verify(["--look-back", "0.0000001"]);
    expect([code, stdout]).toEqual([1, expect.stringContaining("The trail does not show that the role uses the key.")]);
  });

  it("could not run where nobody answers, or nobody may ask", async () => {
    await using cluster = await startCluster();
    const { code, stderr } = await cluster.verify([], "http://127.0.0.1:9");
    expect([code, stderr]).toEqual([2, expect.stringContaining("ACK could not be reached for DescribeClusterDetail")]);
    const words = ["ack", "verify", "--cluster", "c1", "--region", "cn-hangzhou", "--credentials", "access-key"];
    const keyless = await callCli(words, { environment: {} });
    expect([keyless.code, keyless.stderr]).toEqual([2, expect.stringContaining("There are no credentials")]);
  });

  it("refuses what it cannot use before it begins", async () => {
    expect(await callCli(["ack", "verify"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--cluster and --region") });
    const words = ["ack", "verify", "--cluster", "c1", "--region", "cn-hangzhou", "--deadline", "-1"];
    expect(await callCli(words)).toMatchObject({ code: 2, stderr: expect.stringContaining("--deadline takes") });
  });
});
