import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { configurationFor, kmsProviderName } from "../../suites/bench/provider-configuration.ts";
import { systemClock } from "../clock.ts";
import { Lease } from "../lease.ts";
import { SecretsClient } from "../load/api-client.ts";
import { encodeSecret } from "../load/secret-spec.ts";
import { startPluginProcess } from "../plugin-process.ts";
import { attachedTarget } from "./attached.ts";
import { issueServerCertificates } from "./certificates.ts";
import { containersTarget, removeContainer } from "./containers.ts";
import type { EncryptionConfiguration } from "./encryption-configuration.ts";
import { defaultVersions, dockerApi } from "./install/index.ts";
import { renderKubeconfig } from "./kubeconfig.ts";
import { processesTarget } from "./processes.ts";
import { describeReal } from "./real-test.ts";
import type { ControlPlane, ControlPlaneSpec, Target } from "./target.ts";

const { signal } = new AbortController();
const plaintext = "a value that must not be stored";

let lease: Lease;
beforeEach(() => {
  lease = Lease.take("test", removeContainer);
});
afterEach(() => lease.release());

function specOf(encryption: EncryptionConfiguration | undefined): ControlPlaneSpec {
  return { ...defaultVersions, encryption, featureGates: {}, lease, clock: systemClock, signal };
}

async function create(plane: ControlPlane, name: string): Promise<number> {
  await using client = new SecretsClient({ api: plane.api, connections: 1 });
  const data = new Map([["key", Buffer.from(plaintext)]]);
  return (await client.createSecret(encodeSecret({ namespace: "default", name, type: "Opaque", data }))).status;
}

async function read(plane: ControlPlane, name: string): Promise<number> {
  await using client = new SecretsClient({ api: plane.api, connections: 1 });
  return (await client.getSecret("default", name)).status;
}

/** What lies in etcd for a Secret, as Latin-1 text. */
async function stored(plane: ControlPlane, name: string): Promise<string> {
  const found = await plane.store?.get(`${plane.etcdPrefix}/secrets/default/${name}`);
  return Buffer.from(found?.value ?? []).toString("latin1");
}

async function kmsV2(): Promise<EncryptionConfiguration> {
  const { socket } = await startPluginProcess({ lease, clock: systemClock, signal });
  return configurationFor("kms-v2", { kmsSocket: socket, cacheSize: 1000 }).encryption;
}

const targets: Readonly<Record<"processes" | "containers", Target>> = {
  processes: processesTarget(process.env),
  containers: containersTarget,
};

for (const kind of ["processes", "containers"] as const) {
  await describeReal(kind, `the target ${kind}`, () => {
    const target = targets[kind];

    it("stores what identity leaves as it is, and says which versions run", async () => {
      await using plane = await target.start(specOf(configurationFor("identity", { kmsSocket: undefined, cacheSize: 1 }).encryption));
      expect([plane.kind, plane.kubernetesVersion, plane.etcdVersion]).toEqual([kind, "v1.37.2", "v3.7.3"]);
      expect(await create(plane, "demo")).toBe(201);
      expect((await stored(plane, "demo")).startsWith("k8s\0")).toBe(true);
      expect(await stored(plane, "demo")).toContain(plaintext);
    });

    it("stores what KMS v2 encrypts, and reads it after a restart", async () => {
      await using plane = await target.start(specOf(await kmsV2()));
      expect(await create(plane, "demo")).toBe(201);
      expect((await stored(plane, "demo")).startsWith(`k8s:enc:kms:v2:${kmsProviderName}:`)).toBe(true);
      expect(await stored(plane, "demo")).not.toContain(plaintext);
      const { url } = plane.api;
      await plane.stopApiServer();
      await expect(read(plane, "demo")).rejects.toMatchObject({ code: "api-unreachable" });
      await plane.startApiServer();
      expect(plane.api.url).toBe(url);
      expect(await read(plane, "demo")).toBe(200);
    });

    it("takes another encryption configuration at a restart, with KMS v1 and its gate", async () => {
      const { socket } = await startPluginProcess({ lease, clock: systemClock, signal });
      await using plane = await target.start(specOf(undefined));
      const { encryption } = configurationFor("kms-v1", { kmsSocket: socket, cacheSize: 1000 });
      await plane.stopApiServer();
      await plane.startApiServer({ encryption });
      expect(await create(plane, "demo")).toBe(201);
      expect((await stored(plane, "demo")).startsWith(`k8s:enc:kms:v1:${kmsProviderName}:`)).toBe(true);
    });

    it("verifies the server: another authority's client refuses it", async () => {
      await using plane = await target.start(specOf(undefined));
      const { caPem } = await issueServerCertificates();
      await expect(read({ ...plane, api: { ...plane.api, caPem } }, "demo")).rejects.toMatchObject({ code: "api-untrusted" });
    });

    it("shows kube-apiserver's own words when it does not start, and leaves nothing", async () => {
      const start = target.start({ ...specOf(undefined), featureGates: { NoSuchGate: true } });
      await expect(start).rejects.toMatchObject({
        code: "component-ended",
        message: expect.stringContaining("unrecognized feature gate: NoSuchGate"),
      });
      expect(await holdings(lease)).toEqual([]);
    });

    it("leaves nothing when it is stopped", async () => {
      await (await target.start(specOf(undefined)))[Symbol.asyncDispose]();
      expect(await holdings(lease)).toEqual([]);
    });

    it("can be attached to, read with its etcd's files, and is never restarted", async () => {
      await using plane = await target.start(specOf(undefined));
      const kubeconfig = join(lease.folder, "kubeconfig");
      await writeFile(kubeconfig, renderKubeconfig("kmsmark", plane.api));
      await using attached = await attachedTarget({ kubeconfig }).start(specOf(undefined));
      expect([attached.kubernetesVersion, attached.etcdVersion, attached.store]).toEqual(["v1.37.2", undefined, undefined]);
      expect(Object.keys(attached.cannot).sort()).toEqual(["configure", "restart", "store", "tap"]);
      expect(await create(attached, "demo")).toBe(201);
      await expect(attached.startApiServer()).rejects.toMatchObject({ code: "not-ours" });
      await rm(kubeconfig);
    });
  });
}

/** What of a lease still runs or lies in its folder. */
async function holdings(of: Lease): Promise<string[]> {
  const files = (await readdir(of.folder)).filter((name) => name !== "lease.json");
  const engine = await dockerApi();
  const containers = "api" in engine ? await engine.api.listContainers({ all: true, filters: { label: [`kmsmark.lease=${of.id}`] } }) : [];
  return [...files, ...containers.flatMap(({ Names }) => Names)];
}
