import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import pLimit from "p-limit";
import { TargetError } from "../errors.ts";
import { ApiProbe } from "./api-probe.ts";
import { apiServerFlags } from "./api-server-flags.ts";
import { PortTaken, type Probe, untilReady } from "./component-readiness.ts";
import { type EncryptionFile, providersIn } from "./encryption-configuration.ts";
import { etcdFlags } from "./etcd-flags.ts";
import { EtcdStore } from "./etcd-store.ts";
import { freePort as systemFreePort } from "./free-port.ts";
import type { Component, Launcher, Running } from "./launcher.ts";
import { type PlaneFiles, writePlaneFiles } from "./plane-files.ts";
import type { ApiAccess, ControlPlane, ControlPlaneSpec } from "./target.ts";

const portAttempts = 5;
const defaultTailLines = 40;

/**
 * An API server has a core to do for seconds until it is ready. Of two dozen that start at once on two cores none is ready within the time that
 * it is given; one after the other all are.
 */
const apiServerStarts = pLimit(availableParallelism());

/**
 * Starts one etcd and one kube-apiserver on loopback, both with TLS under an authority made for them, and waits until they are ready.
 * @param freePort - where ports come from; one that turns out to be taken is given up for the next
 * @throws TargetError `component-ended` or `component-not-ready` with the log's last lines, `port-in-use`, `disk-full`,
 *   `scratch-unwritable`, and what the launcher throws; the signal's reason. Whatever was started until then is stopped.
 * @returns what stops both and removes their files when disposed of, unless the lease was left running meanwhile
 */
export async function startRealControlPlane(
  launcher: Launcher,
  spec: ControlPlaneSpec,
  freePort: () => Promise<number> = systemFreePort,
): Promise<ControlPlane> {
  spec.signal.throwIfAborted();
  await using started = new AsyncDisposableStack();
  const files = started.use(await writePlaneFiles(spec.lease.folder));
  const parts: Parts = { launcher, spec, files };
  const etcd = started.use(await onFreePort(freePort, (port) => startEtcd(parts, port)));
  const start = (port: number, encryption: EncryptionFile | undefined) =>
    apiServerStarts(() => startApiServer(parts, etcd.access.url, port, encryption));
  let apiServer = await onFreePort(freePort, (port) => start(port, spec.encryption));
  let { encryption } = spec;
  started.defer(() => apiServer.running.stop());

  const all = started.move();
  return {
    kind: launcher.kind,
    kubernetesVersion: apiServer.version,
    etcdVersion: etcd.version,
    api: apiServer.api,
    etcdPrefix: "/registry",
    store: etcd.store,
    internals: { folder: files.folder, etcdFolder: files.dataFolder, etcd: etcd.access, files },
    cannot: {},
    stopApiServer: () => apiServer.running.stop(),
    async startApiServer(change) {
      encryption = change?.encryption ?? encryption;
      apiServer = await start(apiServer.port, encryption);
    },
    async changeEncryption(changed) {
      encryption = changed;
      await files.writeEncryption(changed);
    },
    logTail: (component, lines = defaultTailLines) => (component === "etcd" ? etcd : apiServer).running.logTail(lines),
    async [Symbol.asyncDispose]() {
      if (!spec.lease.isLeftRunning) return await all.disposeAsync();
      etcd.running.letGo();
      apiServer.running.letGo();
      await etcd.store[Symbol.asyncDispose]();
    },
  };
}

interface Parts {
  readonly launcher: Launcher;
  readonly spec: ControlPlaneSpec;
  readonly files: PlaneFiles;
}

async function startEtcd(parts: Parts, port: number) {
  const { caPem, certificatePem, keyPem } = parts.files.certificates;
  const access = { url: `https://127.0.0.1:${port}`, caPem, certificatePem, keyPem };
  await using started = new AsyncDisposableStack();
  const store = started.use(new EtcdStore(access));
  const running = await startComponent(parts, "etcd", etcdFlags({ port, ...parts.files }), [], async (signal) => {
    // Any linearizable read waits for a leader.
    await store.get("/", signal);
    return undefined;
  });
  started.defer(() => running.stop());
  const version = await store.version(parts.spec.signal);
  const all = started.move();
  return { running, store, access, version, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function startApiServer(parts: Parts, etcdUrl: string, port: number, encryption: EncryptionFile | undefined) {
  const { files, spec } = parts;
  spec.signal.throwIfAborted();
  if (encryption !== undefined) await files.writeEncryption(encryption);
  const api: ApiAccess = {
    url: `https://127.0.0.1:${port}`,
    caPem: files.certificates.caPem,
    identity: { kind: "token", token: files.token },
  };
  await using probe = new ApiProbe(api);
  const { featureGates, automaticReload = false } = spec;
  const flags = apiServerFlags({ port, etcdUrl, encryption, automaticReload, featureGates, ...files });
  const running = await startComponent(parts, "kube-apiserver", flags, socketFolders(encryption), (signal) => probe.complaint(signal));
  return { running, port, api, version: await probe.version(spec.signal) };
}

/** Starts a component and waits until the probe is satisfied; otherwise stops it again. */
async function startComponent(
  { launcher, spec, files }: Parts,
  component: Component,
  flags: string[],
  reaches: string[],
  probe: Probe,
): Promise<Running> {
  const running = await launcher.launch({
    component,
    flags,
    folder: files.folder,
    reaches: [spec.lease.folder, ...reaches],
    lease: spec.lease,
  });
  try {
    await untilReady(component, running, probe, spec);
    return running;
  } catch (thrown) {
    await running.stop();
    throw thrown;
  }
}

/** Between the choice of a port and its use somebody else may take it. */
async function onFreePort<T>(freePort: () => Promise<number>, start: (port: number) => Promise<T>): Promise<T> {
  let taken: unknown;
  for (let attempt = 0; attempt < portAttempts; attempt++) {
    try {
      return await start(await freePort());
    } catch (thrown) {
      if (!(thrown instanceof PortTaken)) throw thrown;
      taken = thrown;
    }
  }
  throw new TargetError("port-in-use", `${portAttempts} free ports in a row were taken by other processes before they could be used.`, {
    hint: "Start it again when the machine is calmer.",
    cause: taken,
  });
}

function socketFolders(encryption: EncryptionFile | undefined): string[] {
  return providersIn(encryption).flatMap((provider) => (provider.kind === "kms" ? [dirname(provider.socket)] : []));
}
