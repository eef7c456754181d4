import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import pLimit from "p-limit";
import { TargetError } from "../errors.ts";
import { ApiProbe } from "./api-probe.ts";
import { apiServerFlags } from "./api-server-flags.ts";
import { PortTaken, type Probe, untilReady } from "./component-readiness.ts";
import { type EncryptionFile, encryptionOf, providersIn } from "./encryption-configuration.ts";
import { etcdFlags } from "./etcd-flags.ts";
import { EtcdStore } from "./etcd-store.ts";
import { freePort as systemFreePort } from "./free-port.ts";
import type { Component, Launcher, Running } from "./launcher.ts";
import { type PlaneFiles, type ServerFiles, writePlaneFiles } from "./plane-files.ts";
import type { ApiAccess, ControlPlane, ControlPlaneSpec } from "./target.ts";

const portAttempts = 5;
const defaultTailLines = 40;

/**
 * An API server has a core to do for seconds until it is ready. Of two dozen that start at once on two cores none is ready within the time that
 * it is given; one after the other all are.
 */
const apiServerStarts = pLimit(availableParallelism());

/**
 * Starts one etcd and one kube-apiserver, or several, on loopback, all with TLS under an authority made for them, and waits until they are ready.
 * @param freePort - where ports come from; one that turns out to be taken is given up for the next
 * @throws TargetError `component-ended` or `component-not-ready` with the log's last lines, `port-in-use`, `disk-full`,
 *   `scratch-unwritable`, and what the launcher throws; the signal's reason. Whatever was started until then is stopped.
 * @returns what stops them and removes their files when disposed of, unless the lease was left running meanwhile
 */
export async function startRealControlPlane(
  launcher: Launcher,
  spec: ControlPlaneSpec,
  freePort: () => Promise<number> = systemFreePort,
): Promise<ControlPlane> {
  spec.signal.throwIfAborted();
  await using started = new AsyncDisposableStack();
  const files = started.use(await writePlaneFiles(spec.lease.folder, spec.apiServers ?? 1));
  const parts: Parts = { launcher, spec, files };
  const etcd = started.use(await onFreePort(freePort, (port) => startEtcd(parts, port)));
  const servers = files.servers.map((own) => new ApiServerPlace(parts, etcd.access.url, own));
  started.defer(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });
  let { encryption } = spec;
  await apiServerStarts(() =>
    settled(servers.map((server, at) => onFreePort(freePort, (port) => server.start(encryptionOf(encryption, at), port)))),
  );
  const [first] = servers;
  if (first === undefined) throw new RangeError("A control plane has at least one API server.");
  const chosen = (server: number | undefined) =>
    servers.map((place, at) => ({ place, at })).filter(({ at }) => server === undefined || at === server);

  const all = started.move();
  return {
    kind: launcher.kind,
    kubernetesVersion: first.version,
    etcdVersion: etcd.version,
    api: first.api,
    apis: servers.map(({ api }) => api),
    etcdPrefix: "/registry",
    store: etcd.store,
    internals: { folder: files.folder, etcdFolder: files.dataFolder, etcd: etcd.access, files },
    cannot: {},
    async stopApiServer(server) {
      await Promise.all(chosen(server).map(({ place }) => place.stop()));
    },
    async startApiServer({ encryption: changed, server } = {}) {
      encryption = changed ?? encryption;
      return await apiServerStarts(() => settled(chosen(server).map(({ place, at }) => place.start(encryptionOf(encryption, at)))));
    },
    async changeEncryption(changed) {
      encryption = changed;
      for (const { place, at } of chosen(undefined)) {
        const own = encryptionOf(changed, at);
        if (own !== undefined) await place.files.writeEncryption(own);
      }
    },
    logTail: (component, lines = defaultTailLines) => (component === "etcd" ? etcd.running.logTail(lines) : first.logTail(lines)),
    async [Symbol.asyncDispose]() {
      if (!spec.lease.isLeftRunning) return await all.disposeAsync();
      etcd.running.letGo();
      for (const server of servers) server.letGo();
      await etcd.store[Symbol.asyncDispose]();
    },
  };
}

/** Waits for all, also where one fails, so that nothing goes on behind the failure. @throws what the first one that failed did */
async function settled<Answer>(all: readonly Promise<Answer>[]): Promise<Answer[]> {
  await Promise.allSettled(all);
  return await Promise.all(all);
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

/** One kube-apiserver of a control plane, on the port that it got at its first start. */
class ApiServerPlace {
  readonly files: ServerFiles;
  readonly #parts: Parts;
  readonly #etcdUrl: string;
  #started: { readonly running: Running; readonly port: number; readonly version: string } | undefined;

  constructor(parts: Parts, etcdUrl: string, files: ServerFiles) {
    this.#parts = parts;
    this.#etcdUrl = etcdUrl;
    this.files = files;
  }

  get api(): ApiAccess {
    return this.#apiOn(this.#known.port);
  }

  /** As it says it itself. */
  get version(): string {
    return this.#known.version;
  }

  /** Waits until it is ready, and gives how long that took, milliseconds. */
  async start(encryption: EncryptionFile | undefined, firstPort?: number): Promise<number> {
    const { files: shared, spec } = this.#parts;
    spec.signal.throwIfAborted();
    const startMs = spec.clock.monotonicMs();
    const port = firstPort ?? this.#known.port;
    if (encryption !== undefined) await this.files.writeEncryption(encryption);
    await using probe = new ApiProbe(this.#apiOn(port));
    const { featureGates, automaticReload = false, uncached = [] } = spec;
    const { name, encryptionFile, scratchFolder } = this.files;
    const flags = apiServerFlags({
      ...shared,
      port,
      etcdUrl: this.#etcdUrl,
      encryption,
      encryptionFile,
      scratchFolder,
      automaticReload,
      featureGates,
      uncached,
    });
    const running = await startComponent(
      this.#parts,
      "kube-apiserver",
      flags,
      socketFolders(encryption),
      (signal) => probe.complaint(signal),
      name,
    );
    const readyMs = spec.clock.monotonicMs() - startMs;
    this.#started = { running, port, version: await probe.version(spec.signal) };
    return readyMs;
  }

  async stop(): Promise<void> {
    await this.#started?.running.stop();
  }

  letGo(): void {
    this.#started?.running.letGo();
  }

  async logTail(lines: number): Promise<string> {
    return await this.#known.running.logTail(lines);
  }

  get #known() {
    if (this.#started === undefined) throw new TypeError("This API server was never started.");
    return this.#started;
  }

  #apiOn(port: number): ApiAccess {
    const { certificates, token } = this.#parts.files;
    return { url: `https://127.0.0.1:${port}`, caPem: certificates.caPem, identity: { kind: "token", token } };
  }
}

/** Starts a component and waits until the probe is satisfied; otherwise stops it again. */
async function startComponent(
  { launcher, spec, files }: Parts,
  component: Component,
  flags: string[],
  reaches: string[],
  probe: Probe,
  name: string = component,
): Promise<Running> {
  const running = await launcher.launch({
    component,
    name,
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
