import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { systemClock as clock } from "../harness/clock.ts";
import { TargetError } from "../harness/errors.ts";
import { KmsCallError } from "../harness/kms/contract.ts";
import { startTapWorker, type Tap } from "../harness/kms/tap.ts";
import type { TapRecord } from "../harness/kms/tap-record.ts";
import type { Lease } from "../harness/lease.ts";
import { SecretsClient } from "../harness/load/api-client.ts";
import { population } from "../harness/load/population.ts";
import { encodeSecret, type SecretRequest } from "../harness/load/secret-spec.ts";
import { ApiProbe } from "../harness/target/api-probe.ts";
import { apiServerFlags } from "../harness/target/api-server-flags.ts";
import { untilReady } from "../harness/target/component-readiness.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../harness/target/encryption-configuration.ts";
import { etcdFlags } from "../harness/target/etcd-flags.ts";
import { EtcdStore } from "../harness/target/etcd-store.ts";
import { freePort } from "../harness/target/free-port.ts";
import { cacheFolder, defaultVersions, findBinaries } from "../harness/target/install/index.ts";
import type { Launcher, Running } from "../harness/target/launcher.ts";
import { type PlaneFiles, writePlaneFiles } from "../harness/target/plane-files.ts";
import { processLauncher } from "../harness/target/processes.ts";
import { ScriptedKms } from "../suites/conformance/scripted-kms.ts";

/** What a scenario is played on. */
export interface StageOptions {
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly kms: "v1" | "v2";
  readonly apiServers: number;
  readonly cachesize: number;
  /** Decode one value at a time, as Kubernetes up to v1.36 does. */
  readonly isSerial?: boolean;
  readonly reload?: boolean;
}

/** Requests of the scenarios that are under way at once. */
export const inFlight = 8;
const unavailable = 14;

/** Real kube-apiservers on one etcd, a tap, and behind it a KMS that can be made slow, scarce or absent. */
export class Stage implements AsyncDisposable {
  /** Milliseconds that the KMS takes for an Encrypt or a Decrypt. */
  latencyMs = 0;
  /** Calls a second that it grants; those above wait for their turn. */
  quota: number | undefined;
  isAbsent = false;
  readonly kms: ScriptedKms;
  readonly tap: Tap;
  readonly clients: SecretsClient[] = [];
  #running: Running[] = [];
  readonly #started: AsyncDisposableStack;
  readonly #options: StageOptions;
  readonly #launcher: Launcher;
  readonly #files: PlaneFiles;
  readonly #etcdUrl: string;
  readonly #ports: readonly number[];
  #tokens = { left: 0, atMs: 0 };

  private constructor(
    started: AsyncDisposableStack,
    parts: {
      readonly options: StageOptions;
      readonly kms: ScriptedKms;
      readonly tap: Tap;
      readonly launcher: Launcher;
      readonly files: PlaneFiles;
      readonly etcdUrl: string;
      readonly ports: readonly number[];
    },
  ) {
    this.#started = started;
    this.kms = parts.kms;
    this.tap = parts.tap;
    this.#options = parts.options;
    this.#launcher = parts.launcher;
    this.#files = parts.files;
    this.#etcdUrl = parts.etcdUrl;
    this.#ports = parts.ports;
    const pace = async <Answer>(answer: Answer): Promise<Answer> => {
      await this.#pace();
      return answer;
    };
    this.kms.script = {
      encrypt: pace,
      decrypt: pace,
      encryptV1: pace,
      decryptV1: pace,
      status: (answer) => (this.isAbsent ? this.#refuse() : answer),
    };
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { lease, signal, apiServers } = options;
    await using started = new AsyncDisposableStack();
    const name = randomUUID().slice(0, 6);
    const kms = started.use(await ScriptedKms.start(join(lease.folder, `k-${name}`), clock));
    const tap = started.use(await startTapWorker({ listen: join(lease.folder, `t-${name}`), upstream: kms.socket }));
    const binaries = await findBinaries({ ...defaultVersions, cache: cacheFolder(process.env) });
    if (binaries === undefined)
      throw new TargetError("not-installed", "kube-apiserver and etcd are not installed.", { hint: "Run: kmsmark install" });
    const launcher = processLauncher(binaries);
    const files = started.use(await writePlaneFiles(lease.folder));
    const etcdPort = await freePort();
    const etcdUrl = `https://127.0.0.1:${etcdPort}`;
    const { caPem, certificatePem, keyPem } = files.certificates;
    const store = started.use(new EtcdStore({ url: etcdUrl, caPem, certificatePem, keyPem }));
    const etcd = await launcher.launch({
      component: "etcd",
      flags: etcdFlags({ port: etcdPort, ...files }),
      folder: files.folder,
      reaches: [],
      lease,
    });
    started.defer(() => etcd.stop());
    await untilReady("etcd", etcd, async () => void (await store.get("/", signal)), { clock, signal });
    const ports: number[] = [];
    for (let at = 0; at < apiServers; at++) ports.push(await freePort());
    const stage = new Stage(started.move(), { options, kms, tap, launcher, files, etcdUrl, ports });
    stage.#started.defer(() => stage.stop());
    return stage;
  }

  /** A configuration with one provider, or with a new one before it. */
  configuration(providers: readonly string[] = ["kmsmark"]): EncryptionConfiguration {
    const { kms, cachesize } = this.#options;
    const all = providers.map(
      (name): ProviderConfiguration =>
        kms === "v1"
          ? { kind: "kms", apiVersion: "v1", name, socket: this.tap.socket, cacheSize: cachesize }
          : { kind: "kms", apiVersion: "v2", name, socket: this.tap.socket },
    );
    return { resources: [{ resources: ["secrets"], providers: all }] };
  }

  /** Exchanges the file under the API servers that run. */
  configure(encryption: EncryptionConfiguration): Promise<void> {
    return this.#files.writeEncryption(encryption);
  }

  /** Starts all API servers at once; resolves to the milliseconds until the last one was ready. */
  async start(encryption = this.configuration()): Promise<number> {
    const { signal } = this.#options;
    await this.#files.writeEncryption(encryption);
    const startMs = clock.monotonicMs();
    await Promise.all(this.#ports.map((port, at) => this.#startOne(port, at, encryption)));
    const tookMs = clock.monotonicMs() - startMs;
    for (const client of this.clients) await client.warmUp(signal);
    return tookMs;
  }

  async #startOne(port: number, at: number, encryption: EncryptionConfiguration): Promise<void> {
    const { lease, signal, isSerial = false, reload = false } = this.#options;
    const folder = join(this.#files.folder, `server-${at}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const featureGates = isSerial ? { ConcurrentWatchObjectDecode: false } : {};
    const flags = apiServerFlags({
      port,
      etcdUrl: this.#etcdUrl,
      encryption,
      automaticReload: reload,
      featureGates,
      ...this.#files,
      scratchFolder: folder,
    });
    const running = await this.#launcher.launch({ component: "kube-apiserver", flags, folder, reaches: [lease.folder], lease });
    this.#running.push(running);
    const api = {
      url: `https://127.0.0.1:${port}`,
      caPem: this.#files.certificates.caPem,
      identity: { kind: "token", token: this.#files.token },
    } as const;
    await using probe = new ApiProbe(api);
    await untilReady("kube-apiserver", running, (asked) => probe.complaint(asked), { clock, signal });
    this.clients[at] ??= new SecretsClient({ api, connections: inFlight });
  }

  /** Stops all API servers. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.map((running) => running.stop()));
    this.#running = [];
  }

  /** Every call that the tap saw since it was asked the last time. */
  calls(): Promise<TapRecord[]> {
    return this.tap.drain();
  }

  /** Creates the Secrets, in turns through all API servers, and gives what was sent. */
  async fill(secrets: number): Promise<SecretRequest[]> {
    const all = population({ secrets, seed: "validate-plan" });
    for (const namespace of all.namespaces) await this.#client(0).createNamespace(namespace, this.#options.signal);
    const bodies = Array.from({ length: secrets }, (_, index) => encodeSecret(all.at(index)));
    await this.each(bodies, (client, body) => client.createSecret(body, this.#options.signal));
    return bodies;
  }

  /** Sends a request for each, in turns to all API servers. @throws TargetError `request-failed` at the first that is refused */
  async each(
    bodies: readonly SecretRequest[],
    send: (client: SecretsClient, body: SecretRequest) => Promise<{ readonly failure: string | undefined }>,
  ): Promise<void> {
    const limit = pLimit(inFlight);
    await Promise.all(
      bodies.map((body, at) =>
        limit(async () => {
          const { failure } = await send(this.#client(at % this.clients.length), body);
          if (failure !== undefined) throw new TargetError("request-failed", `A request of the scenario failed: ${failure}.`);
        }),
      ),
    );
  }

  #client(at: number): SecretsClient {
    const client = this.clients[at];
    if (client === undefined) throw new RangeError(`There is no API server ${at}.`);
    return client;
  }

  /** A bucket of one second's worth that fills evenly, then the time that a call takes. */
  async #pace(): Promise<void> {
    if (this.isAbsent) this.#refuse();
    if (this.quota !== undefined) {
      const nowMs = clock.monotonicMs();
      const left = Math.min(this.quota, this.#tokens.left + ((nowMs - this.#tokens.atMs) / 1000) * this.quota) - 1;
      this.#tokens = { left, atMs: nowMs };
      if (left < 0) await clock.sleep((-left / this.quota) * 1000);
    }
    if (this.latencyMs > 0) await clock.sleep(this.latencyMs);
  }

  #refuse(): never {
    throw new KmsCallError(unavailable, "the KMS is away");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client[Symbol.asyncDispose]();
    await this.#started.disposeAsync();
  }
}
