import type { Clock } from "../../clock.ts";
import { defaultCallTimeoutMs, type KmsV1, type KmsV2 } from "../../kms/contract.ts";
import { aggregate, type Failure, noMatchingProvider, providerPrefix, providersOf } from "../../model/index.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../encryption-configuration.ts";
import { KmsV1Provider } from "./kms-v1-provider.ts";
import { KmsV2Provider } from "./kms-v2-provider.ts";
import { identityProvider, localProvider } from "./local-provider.ts";
import type { ApiServerMetrics } from "./metrics.ts";
import { OrderedTransformers, type Transformer } from "./transformer.ts";

/** How an API server reaches the plugin behind a socket. */
export interface KmsConnections {
  connectV1(socket: string): KmsV1 & Disposable;
  connectV2(socket: string): KmsV2 & Disposable;
}

/** A health check of a KMS provider under the name that it has in the API (spec encryption-at-rest 4.5). */
export interface KmsHealthCheck {
  readonly name: string;
  check(): Promise<Failure | undefined>;
}

export interface ProviderSetParts {
  readonly connections: KmsConnections;
  readonly clock: Clock;
  readonly metrics: ApiServerMetrics;
}

/** What one loading of a configuration makes: every KMS provider with its connection and caches, and a transformer for each resource. */
export class ProviderSet implements AsyncDisposable {
  readonly #configuration: EncryptionConfiguration | undefined;
  readonly #parts: ProviderSetParts;
  readonly #kms = new Map<ProviderConfiguration, KmsV1Provider | KmsV2Provider>();
  readonly #transformers = new Map<string, Transformer>();

  private constructor(configuration: EncryptionConfiguration | undefined, parts: ProviderSetParts) {
    // Every entry of the file is a provider of its own, even one that is written twice.
    this.#configuration = configuration && {
      resources: configuration.resources.map((item) => ({ ...item, providers: item.providers.map((provider) => ({ ...provider })) })),
    };
    this.#parts = parts;
    for (const { providers } of this.#configuration?.resources ?? []) for (const provider of providers) this.#connect(provider);
  }

  /** Connects, and makes the first check of every KMS v2 provider; whether that succeeded is the health checks' to say. */
  static async load(configuration: EncryptionConfiguration | undefined, parts: ProviderSetParts): Promise<ProviderSet> {
    const set = new ProviderSet(configuration, parts);
    for (const provider of set.#kms.values()) if (provider instanceof KmsV2Provider) await provider.start();
    return set;
  }

  /** One check for all where there is no KMS v1 provider or the file is looked at again, else one for each, in the order of the file. */
  healthChecks({ automaticReload }: { readonly automaticReload: boolean }): readonly KmsHealthCheck[] {
    const providers = [...this.#kms.values()];
    const each = providers.map((provider, index) => ({ name: `kms-provider-${index}`, check: () => provider.check() }));
    const isOne = automaticReload || (providers.length > 0 && !providers.some((provider) => provider instanceof KmsV1Provider));
    return isOne ? [{ name: "kms-providers", check: () => checkAll(each) }] : each;
  }

  /** How long calls of it may still be under way after it was replaced, milliseconds (spec encryption-at-rest 4.4). */
  get closeGraceMs(): number {
    const timeouts = [...this.#kms.keys()].map((provider) => {
      if (provider.kind !== "kms") return 0;
      return (provider.apiVersion === "v1" ? 2 : 1) * (provider.timeoutMs ?? defaultCallTimeoutMs);
    });
    return 2 * timeouts.reduce((sum, ms) => sum + ms, 0);
  }

  /** What a resource is stored with; one that no item names is left as it is, without metrics (spec encryption-at-rest 0.5). */
  transformerOf(resource: string): Transformer {
    const known = this.#transformers.get(resource) ?? this.#transformer(resource);
    this.#transformers.set(resource, known);
    return known;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const provider of this.#kms.values()) await provider[Symbol.asyncDispose]();
  }

  #connect(provider: ProviderConfiguration): void {
    if (provider.kind !== "kms") return;
    const { connections, clock, metrics } = this.#parts;
    const { name, timeoutMs = defaultCallTimeoutMs } = provider;
    if (provider.apiVersion === "v2") {
      this.#kms.set(provider, new KmsV2Provider({ name, timeoutMs }, { kms: connections.connectV2(provider.socket), clock, metrics }));
      return;
    }
    const cache = provider.cacheSize === undefined ? {} : { cacheSize: provider.cacheSize };
    this.#kms.set(
      provider,
      new KmsV1Provider({ name, timeoutMs, ...cache }, { kms: connections.connectV1(provider.socket), clock, metrics }),
    );
  }

  #transformer(resource: string): Transformer {
    const providers = providersOf(this.#configuration, resource);
    if (providers === undefined) return identityProvider;
    const scope = { resource, metrics: this.#parts.metrics, clock: this.#parts.clock };
    const transformers = providers.map((provider): Transformer => {
      if (provider.kind === "identity") return identityProvider;
      if (provider.kind !== "kms") return localProvider(provider.kind, provider.keys, scope);
      const connected = this.#kms.get(provider);
      if (connected === undefined) throw new TypeError("Every KMS provider was connected before.");
      return connected;
    });
    return new OrderedTransformers({ prefixes: providers.map(providerPrefix), noMatch: noMatchingProvider }, transformers, scope);
  }
}

/** The first failure of several is one; without any KMS provider all is well. */
async function checkAll(checks: readonly KmsHealthCheck[]): Promise<Failure | undefined> {
  const failures: Failure[] = [];
  for (const { name, check } of checks) {
    const problem = await check();
    if (problem !== undefined) failures.push({ ...problem, message: `${name}: ${problem.message}` });
  }
  return aggregate(failures);
}
