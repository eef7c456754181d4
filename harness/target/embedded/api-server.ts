import { randomUUID } from "node:crypto";
import type { Clock, Timer } from "../../clock.ts";
import { messageOf, TargetError } from "../../errors.ts";
import { defaultCallTimeoutMs, type KmsV1, type KmsV2 } from "../../kms/contract.ts";
import {
  aggregate,
  consistencyCheckDelayMs,
  decodeConcurrency,
  type Failure,
  gate,
  noMatchingProvider,
  providerPrefix,
  providersOf,
} from "../../model/index.ts";
import type { Random } from "../../random.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../encryption-configuration.ts";
import { wholeSeconds } from "./api-object.ts";
import { KmsV1Provider } from "./kms-v1-provider.ts";
import { KmsV2Provider } from "./kms-v2-provider.ts";
import { identityProvider, localProvider } from "./local-provider.ts";
import type { MemoryStore } from "./memory-store.ts";
import { ApiServerMetrics } from "./metrics.ts";
import { namespaces } from "./namespace-resource.ts";
import { ResourceStorage } from "./resource-storage.ts";
import type { ResourceType } from "./resource-type.ts";
import { secrets } from "./secret-resource.ts";
import { OrderedTransformers, type Transformer } from "./transformer.ts";

/** The first part of every key in the store. */
export const etcdPrefix = "/registry";

/** How an API server reaches the plugin behind a socket. */
export interface KmsConnections {
  connectV1(socket: string): KmsV1 & Disposable;
  connectV2(socket: string): KmsV2 & Disposable;
}

/** What an API server is started with. */
export interface ApiServerParts {
  readonly connections: KmsConnections;
  readonly store: MemoryStore;
  readonly encryption: EncryptionConfiguration | undefined;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly clock: Clock;
  /** Draws the jitter of background checks. */
  readonly random: Random;
  log(line: string): void;
}

/** A health check of a KMS provider under the name that it has in the API (spec encryption-at-rest 4.5). */
export interface KmsHealthCheck {
  readonly name: string;
  check(): Promise<Failure | undefined>;
}

/** One life of the API server: providers, watch caches and metrics are new, only the store is older. */
export class ApiServer implements AsyncDisposable {
  readonly metrics: ApiServerMetrics;
  readonly secrets: ResourceStorage<ReturnType<typeof secrets.codec.decode>>;
  readonly namespaces: ResourceStorage<ReturnType<typeof namespaces.codec.decode>>;
  readonly kmsChecks: readonly KmsHealthCheck[];
  readonly clock: Clock;
  readonly #parts: ApiServerParts;
  readonly #providers: Map<ProviderConfiguration, KmsV1Provider | KmsV2Provider>;
  readonly #checks = new Map<string, Timer>();
  #hasSystemNamespaces = false;
  #isDisposed = false;

  private constructor(parts: ApiServerParts, encryption: EncryptionConfiguration | undefined) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.metrics = new ApiServerMetrics(parts.clock);
    this.#providers = this.#connect(encryption);
    this.kmsChecks = kmsChecks([...this.#providers]);
    this.secrets = this.#storage(secrets, encryption);
    this.namespaces = this.#storage(namespaces, encryption);
  }

  /**
   * Starts as kube-apiserver does: the first check of every KMS v2 provider, then the first list of every resource. Resolves after the first
   * attempt at both; whether they succeeded is {@link isReady}'s to say.
   * @throws TargetError `kms-v1-disabled`.
   */
  static async start(parts: ApiServerParts): Promise<ApiServer> {
    // Every entry of the file is a provider of its own, even one that is written twice.
    const encryption = parts.encryption && {
      resources: parts.encryption.resources.map((item) => ({ ...item, providers: item.providers.map((provider) => ({ ...provider })) })),
    };
    requireAllowed(encryption, parts.featureGates);
    const server = new ApiServer(parts, encryption);
    for (const provider of server.#providers.values()) if (provider instanceof KmsV2Provider) await provider.start();
    await Promise.all([server.secrets.cache.initialize(), server.namespaces.cache.initialize()]);
    server.#scheduleConsistencyCheck(secrets.resource, server.secrets);
    server.#scheduleConsistencyCheck(namespaces.resource, server.namespaces);
    return server;
  }

  /** True once every object was read and the namespaces that every cluster has are there. */
  async isReady(): Promise<boolean> {
    if (!this.secrets.cache.wasReady || !this.namespaces.cache.wasReady) return false;
    if (this.#hasSystemNamespaces) return true;
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
    this.#hasSystemNamespaces = true;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    for (const timer of this.#checks.values()) timer[Symbol.dispose]();
    this.secrets[Symbol.dispose]();
    this.namespaces[Symbol.dispose]();
    for (const provider of this.#providers.values()) await provider[Symbol.asyncDispose]();
  }

  #connect(encryption: EncryptionConfiguration | undefined): Map<ProviderConfiguration, KmsV1Provider | KmsV2Provider> {
    const { clock, connections } = this.#parts;
    const { metrics } = this;
    const connected = new Map<ProviderConfiguration, KmsV1Provider | KmsV2Provider>();
    for (const provider of encryption?.resources.flatMap(({ providers }) => providers) ?? []) {
      if (provider.kind !== "kms") continue;
      const timeoutMs = provider.timeoutMs ?? defaultCallTimeoutMs;
      if (provider.apiVersion === "v2") {
        connected.set(
          provider,
          new KmsV2Provider({ name: provider.name, timeoutMs }, { kms: connections.connectV2(provider.socket), clock, metrics }),
        );
      } else {
        const cache = provider.cacheSize === undefined ? {} : { cacheSize: provider.cacheSize };
        const configuration = { name: provider.name, timeoutMs, ...cache };
        connected.set(provider, new KmsV1Provider(configuration, { kms: connections.connectV1(provider.socket), clock, metrics }));
      }
    }
    return connected;
  }

  #storage<Value>(type: ResourceType<Value, never> | ResourceType<Value, unknown>, encryption: EncryptionConfiguration | undefined) {
    const { store, clock, featureGates } = this.#parts;
    return new ResourceStorage<Value>({
      resource: type.resource,
      etcdPrefix,
      store,
      codec: type.codec,
      transformer: this.#transformer(type.resource, encryption),
      decodeConcurrency: decodeConcurrency(featureGates),
      clock,
    });
  }

  /** A resource that no item names is left as it is, without metrics (spec encryption-at-rest 0.5). */
  #transformer(resource: string, encryption: EncryptionConfiguration | undefined): Transformer {
    const providers = providersOf(encryption, resource);
    if (providers === undefined) return identityProvider;
    const scope = { resource, metrics: this.metrics, clock: this.clock };
    const transformers = providers.map((provider): Transformer => {
      if (provider.kind === "identity") return identityProvider;
      if (provider.kind !== "kms") return localProvider(provider.kind, provider.keys, scope);
      const connected = this.#providers.get(provider);
      if (connected === undefined) throw new TypeError("Every KMS provider was connected before.");
      return connected;
    });
    return new OrderedTransformers({ prefixes: providers.map(providerPrefix), noMatch: noMatchingProvider }, transformers, scope);
  }

  #scheduleConsistencyCheck(resource: string, storage: { readonly cache: { isConsistent(): Promise<boolean> } }): void {
    const delayMs = consistencyCheckDelayMs(this.#parts.featureGates, this.#parts.random.fraction());
    if (delayMs === undefined || this.#isDisposed) return;
    const check = async () => {
      const isConsistent = await storage.cache.isConsistent();
      this.metrics.recordConsistencyCheck(resource, isConsistent ? "success" : "failure");
      this.#scheduleConsistencyCheck(resource, storage);
    };
    this.#checks.set(
      resource,
      this.clock.startTimer(delayMs, () => void check()),
    );
  }
}

/** @throws TargetError `kms-v1-disabled`: the gate is off by default since 1.29 (spec encryption-at-rest 1.7). */
function requireAllowed(encryption: EncryptionConfiguration | undefined, gates: Readonly<Record<string, boolean>>): void {
  const usesV1 = encryption?.resources.some(({ providers }) =>
    providers.some((provider) => provider.kind === "kms" && provider.apiVersion === "v1"),
  );
  if (usesV1 !== true || gate(gates, "KMSv1")) return;
  const advice = "Use KMSv2 instead.  Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.";
  throw new TargetError(
    "kms-v1-disabled",
    `error while building transformers: KMSv1 is deprecated and will only receive security updates going forward. ${advice}`,
  );
}

/** One check for all where there is no KMS v1 provider, else one for each, in the order of the file (spec encryption-at-rest 4.5). */
function kmsChecks(providers: readonly (readonly [ProviderConfiguration, KmsV1Provider | KmsV2Provider])[]): KmsHealthCheck[] {
  const each = providers.map(([, provider], index) => ({ name: `kms-provider-${index}`, check: () => provider.check() }));
  if (each.length === 0 || providers.some(([, provider]) => provider instanceof KmsV1Provider)) return each;
  return [{ name: "kms-providers", check: () => checkAll(each) }];
}

async function checkAll(checks: readonly KmsHealthCheck[]): Promise<Failure | undefined> {
  const failures: Failure[] = [];
  for (const { name, check } of checks) {
    const problem = await check();
    if (problem !== undefined) failures.push({ ...problem, message: `${name}: ${problem.message}` });
  }
  return aggregate(failures);
}
