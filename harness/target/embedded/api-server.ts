import { randomUUID } from "node:crypto";
import type { Clock, Timer } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { consistencyCheckDelayMs, decodeConcurrency } from "../../model/index.ts";
import type { Random } from "../../random.ts";
import type { EncryptionFile } from "../encryption-configuration.ts";
import { wholeSeconds } from "./api-object.ts";
import { configMaps, type StoredConfigMap } from "./config-map-resource.ts";
import { loadFile } from "./encryption-file.ts";
import { EncryptionReload } from "./encryption-reload.ts";
import type { MemoryStore } from "./memory-store.ts";
import { ApiServerMetrics } from "./metrics.ts";
import { namespaces } from "./namespace-resource.ts";
import { type KmsConnections, type KmsHealthCheck, ProviderSet } from "./provider-set.ts";
import { ResourceStorage } from "./resource-storage.ts";
import type { ResourceType } from "./resource-type.ts";
import { secrets } from "./secret-resource.ts";

/** The first part of every key in the store. */
export const etcdPrefix = "/registry";

/** Which ports of nodes are taken: one of the objects that kube-apiserver stores as they are, whatever its configuration (FR-10). */
const nodePorts = {
  key: `${etcdPrefix}/ranges/servicenodeports`,
  value: Buffer.from(JSON.stringify({ kind: "RangeAllocation", apiVersion: "v1", metadata: {}, range: "30000-32767", data: "" })),
};

/** What an API server is started with. */
export interface ApiServerParts {
  readonly connections: KmsConnections;
  readonly store: MemoryStore;
  /** What the configuration file holds now; undefined where the server is told of none. */
  encryption(): EncryptionFile | undefined;
  readonly automaticReload: boolean;
  /** Resources that are listed from the store; everything else is as with a watch cache. */
  readonly uncached: readonly string[];
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly clock: Clock;
  /** Draws the jitter of background checks. */
  readonly random: Random;
  log(line: string): void;
}

/** One life of the API server: providers, watch caches and metrics are new, only the store is older. */
export class ApiServer implements AsyncDisposable {
  readonly metrics: ApiServerMetrics;
  readonly secrets: ResourceStorage<ReturnType<typeof secrets.codec.decode>>;
  readonly configMaps: ResourceStorage<StoredConfigMap>;
  readonly namespaces: ResourceStorage<ReturnType<typeof namespaces.codec.decode>>;
  readonly clock: Clock;
  readonly #parts: ApiServerParts;
  readonly #closing = new Set<Timer>();
  readonly #replaced = new Set<ProviderSet>();
  #set: ProviderSet;
  #reload: EncryptionReload | undefined;
  readonly #checks = new Map<string, Timer>();
  #hasSystemObjects = false;
  #isDisposed = false;

  private constructor(parts: ApiServerParts, metrics: ApiServerMetrics, set: ProviderSet) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.metrics = metrics;
    this.#set = set;
    this.secrets = this.#storage(secrets);
    this.configMaps = this.#storage(configMaps);
    this.namespaces = this.#storage(namespaces);
  }

  /** Whether it looks at its configuration file again. */
  get reloads(): boolean {
    return this.#reload !== undefined;
  }

  /** The checks of the KMS providers, under the names that they have in the API. */
  get kmsChecks(): readonly KmsHealthCheck[] {
    return this.#set.healthChecks(this.#parts);
  }

  /**
   * Starts as kube-apiserver does: the first check of every KMS v2 provider, then the first list of every resource. Resolves after the first
   * attempt at both; whether they succeeded is {@link isReady}'s to say.
   * @throws TargetError `bad-encryption-configuration`.
   */
  static async start(parts: ApiServerParts): Promise<ApiServer> {
    const metrics = new ApiServerMetrics(parts.clock);
    const file = parts.encryption();
    const loaded = file && loadFile(file, parts);
    const set = await ProviderSet.load(loaded?.configuration, { ...parts, metrics });
    const server = new ApiServer(parts, metrics, set);
    if (loaded !== undefined) server.#watchFile(loaded.hash);
    await Promise.all(server.#storages.map(({ cache }) => cache.initialize()));
    for (const storage of server.#storages) server.#scheduleConsistencyCheck(storage);
    return server;
  }

  /** True once every object was read and what every cluster has is there. */
  async isReady(): Promise<boolean> {
    if (this.#storages.some(({ cache }) => !cache.wasReady)) return false;
    if (this.#hasSystemObjects) return true;
    try {
      for (const name of ["default", "kube-node-lease", "kube-public", "kube-system"]) {
        if (this.#parts.store.at(`${etcdPrefix}/namespaces/${name}`) !== undefined) continue;
        const creationTimestamp = wholeSeconds(this.clock.wallMs());
        const value = namespaces.create({}, { name, namespace: "", uid: randomUUID(), creationTimestamp });
        await this.namespaces.create(name, name, value);
      }
    } catch (thrown) {
      this.#parts.log(`the system's namespaces could not be created: ${messageOf(thrown)}`);
      return false;
    }
    const { store } = this.#parts;
    if (store.at(nodePorts.key) === undefined) await store.put(nodePorts.key, nodePorts.value);
    this.#hasSystemObjects = true;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    for (const timer of this.#checks.values()) timer[Symbol.dispose]();
    for (const storage of this.#storages) storage[Symbol.dispose]();
    await this.#reload?.[Symbol.asyncDispose]();
    for (const timer of this.#closing) timer[Symbol.dispose]();
    await Promise.all([this.#set, ...this.#replaced].map((set) => set[Symbol.asyncDispose]()));
  }

  get #storages() {
    return [this.secrets, this.configMaps, this.namespaces];
  }

  #watchFile(hash: string): void {
    const { clock, encryption } = this.#parts;
    this.metrics.recordConfiguration(hash);
    if (!this.#parts.automaticReload) return;
    this.#reload = new EncryptionReload({
      clock,
      metrics: this.metrics,
      hash,
      file: () => encryption() ?? { text: "" },
      read: (file) => loadFile(file, this.#parts),
      load: ({ configuration }) => ProviderSet.load(configuration, { ...this.#parts, metrics: this.metrics }),
      swap: (set) => this.#swap(set),
      log: (line) => this.#parts.log(line),
    });
  }

  /** Calls of the old set may be under way; its plugins are asked for their Status until it is closed. */
  #swap(set: ProviderSet): void {
    const old = this.#set;
    this.#set = set;
    this.#replaced.add(old);
    const timer = this.clock.startTimer(old.closeGraceMs, () => {
      this.#closing.delete(timer);
      this.#replaced.delete(old);
      void old[Symbol.asyncDispose]();
    });
    this.#closing.add(timer);
  }

  #storage<Value>(type: ResourceType<Value, never> | ResourceType<Value, unknown>) {
    const { store, clock, featureGates, uncached } = this.#parts;
    return new ResourceStorage<Value>({
      isListedFromStore: uncached.includes(type.resource),
      resource: type.resource,
      etcdPrefix,
      store,
      codec: type.codec,
      // A reload exchanges the set under the storage.
      transformer: {
        write: (plaintext, aad) => this.#set.transformerOf(type.resource).write(plaintext, aad),
        read: (value, aad) => this.#set.transformerOf(type.resource).read(value, aad),
      },
      decodeConcurrency: decodeConcurrency(featureGates),
      clock,
    });
  }

  #scheduleConsistencyCheck({ resource, cache }: Pick<ResourceStorage<unknown>, "resource" | "cache">): void {
    const delayMs = consistencyCheckDelayMs(this.#parts.featureGates, this.#parts.random.fraction());
    if (delayMs === undefined || this.#isDisposed) return;
    const check = async () => {
      const isConsistent = await cache.isConsistent();
      this.metrics.recordConsistencyCheck(resource, isConsistent ? "success" : "failure");
      this.#scheduleConsistencyCheck({ resource, cache });
    };
    this.#checks.set(
      resource,
      this.clock.startTimer(delayMs, () => void check()),
    );
  }
}
