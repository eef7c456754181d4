import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "../../harness/clock.ts";
import type { StoredKind } from "../../harness/envelope/index.ts";
import { TargetError } from "../../harness/errors.ts";
import { connectKmsV1, connectKmsV2, detectKmsVersions } from "../../harness/kms/client.ts";
import { type KmsVersion, kmsVersions } from "../../harness/kms/contract.ts";
import type { Lease } from "../../harness/lease.ts";
import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import { SecretsClient } from "../../harness/load/api-client.ts";
import { population } from "../../harness/load/population.ts";
import { encodeSecret, type SecretSpec } from "../../harness/load/secret-spec.ts";
import { startPluginProcess } from "../../harness/plugin-process.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../../harness/target/encryption-configuration.ts";
import type { ControlPlane, Store, Target } from "../../harness/target/target.ts";
import type { Need } from "./check.ts";
import { Keyring } from "./envelope-keyring.ts";
import { prefixesOf } from "./envelope-keys.ts";
import type { EnvelopePlane, PlaneKeys, WrittenSecret } from "./envelope-plane.ts";
import { type EnvelopeSubject, storedValues } from "./envelope-subject.ts";
import { EnvelopeValue, type EtcdValue } from "./envelope-value.ts";

export interface OpenOwnPlaneOptions {
  readonly target: Target;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  /** Absolute path of somebody's plugin; the bundled one is started where there is none. */
  readonly pluginSocket: string | undefined;
  /** All contents of the Secrets descend from it. */
  readonly seed: string;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The providers in the order in which each comes first; the last one stays so. */
const order = ["identity", "aescbc", "aesgcm", "secretbox", "kms-v1", "kms-v2"] as const satisfies readonly StoredKind[];
const secretsEach = 10;
/** So many of them are updated twice. */
const updatedEach = 4;
const crossNamespace = "cross-read";

/**
 * Starts a control plane, and lets each provider write some Secrets, between two restarts of the API server. The values that lie in its store
 * then are the subject, and the control plane stays for the cross read. Those of identity, which are plain text on purpose, are for the
 * cross read alone.
 * @throws TargetError as a target does, `not-ours` for one that cannot be reconfigured; PluginError where there is no plugin.
 */
export async function openOwnPlane(options: OpenOwnPlaneOptions): Promise<EnvelopeSubject & AsyncDisposable> {
  const { target, seed, clock, signal } = options;
  await using held = new AsyncDisposableStack();
  const socket = options.pluginSocket ?? held.use(await startPluginProcess(options)).socket;
  const versions = options.pluginSocket === undefined ? kmsVersions : await detectKmsVersions(socket);
  const keys = {
    localKey: { name: "key1", secret: randomBytes(32) },
    names: { "kms-v1": "kms1", "kms-v2": "kms2" },
    v1: held.use(connectKmsV1(socket)),
    v2: held.use(connectKmsV2(socket)),
  } satisfies PlaneKeys;
  const kinds = order.filter((kind) => isServed(kind, versions));
  const encryptionOf = (first: StoredKind) => configurationWith(first, kinds, { keys, socket });

  const [start, ...later] = kinds;
  if (start === undefined) throw new Error("There are no providers.");
  const plane = held.use(await target.start({ ...options, encryption: encryptionOf(start), featureGates: {} }));
  const store = storeOf(plane);
  const client = held.use(new SecretsClient({ api: plane.api, connections: 4 }));
  const specs = new Map<StoredKind, readonly SecretSpec[]>();
  specs.set(start, await writeSecrets(client, start, { seed, signal }));
  for (const kind of later) {
    await plane.stopApiServer();
    await plane.startApiServer({ encryption: encryptionOf(kind) });
    specs.set(kind, await writeSecrets(client, kind, { seed, signal }));
  }
  await succeed(client.createNamespace(crossNamespace, signal));

  const keyring = ownKeyring(keys, signal);
  const written = new Map<StoredKind, readonly WrittenSecret[]>();
  const values: EtcdValue[] = [];
  for (const [kind, ofKind] of specs) {
    const stored = await Promise.all(ofKind.map((spec) => storedOf(store, keyOf(plane, spec), signal)));
    if (kind !== "identity") values.push(...stored);
    written.set(
      kind,
      ofKind.map((spec, at) => ({ spec, stored: new EnvelopeValue(itemAt(stored, at), keyring, []) })),
    );
  }
  const subject = storedValues({
    origin: `the control plane that kmsmark started (${target.kind})`,
    values: async function* () {
      yield* values;
    },
    keyring,
    names: [],
    readable: encryptionOf("kms-v2").resources.flatMap(({ providers }) => providers.flatMap(prefixesOf)),
    isOneLife: true,
    severalWriters: "kmsmark let every provider write some of these values, to check them all.",
    plane: new OwnPlane({ plane, store, client, keys, written, signal }),
    lacks: lacksOf(versions),
    clock,
  });
  const all = held.move();
  return Object.assign(subject, { [Symbol.asyncDispose]: () => all.disposeAsync() });
}

function isServed(kind: StoredKind, versions: readonly KmsVersion[]): boolean {
  return (kind !== "kms-v1" || versions.includes("v1")) && (kind !== "kms-v2" || versions.includes("v2"));
}

function lacksOf(versions: readonly KmsVersion[]): Partial<Record<Need, string>> {
  return {
    ...(versions.includes("v1") ? {} : { "kms-v1": "The plugin does not serve KMS v1." }),
    ...(versions.includes("v2") ? {} : { "kms-v2": "The plugin does not serve KMS v2." }),
  };
}

/** All of them read, whichever writes. */
function configurationWith(
  first: StoredKind,
  kinds: readonly StoredKind[],
  { keys, socket }: { readonly keys: PlaneKeys; readonly socket: string },
): EncryptionConfiguration {
  const providerOf = (kind: StoredKind): ProviderConfiguration => {
    switch (kind) {
      case "identity":
        return { kind };
      case "kms-v1":
        return { kind: "kms", apiVersion: "v1", name: keys.names[kind], socket };
      case "kms-v2":
        return { kind: "kms", apiVersion: "v2", name: keys.names[kind], socket };
      default:
        return { kind, keys: [keys.localKey] };
    }
  };
  const providers = [first, ...kinds.filter((kind) => kind !== first)].map(providerOf);
  return { resources: [{ resources: ["secrets"], providers }] };
}

function ownKeyring({ localKey, names, v1, v2 }: PlaneKeys, signal: AbortSignal): Keyring {
  return new Keyring(
    [
      { provider: "aescbc", key: localKey },
      { provider: "aesgcm", key: localKey },
      { provider: "secretbox", key: localKey },
      { provider: "kms-v1", kms: v1, name: names["kms-v1"] },
      { provider: "kms-v2", kms: v2, name: names["kms-v2"] },
    ],
    { newUid: randomUUID, signal },
  );
}

/** Creates Secrets through the API, and changes some of them twice; as they are in the end. */
async function writeSecrets(
  client: SecretsClient,
  kind: StoredKind,
  { seed, signal }: { readonly seed: string; readonly signal: AbortSignal },
): Promise<SecretSpec[]> {
  const secrets = population({ secrets: secretsEach, seed: `${seed}/${kind}`, namespacePrefix: `${kind}-` });
  for (const namespace of secrets.namespaces) await succeed(client.createNamespace(namespace, signal));
  const specs: SecretSpec[] = [];
  for (let index = 0; index < secrets.count; index++) {
    await succeed(client.createSecret(encodeSecret(secrets.at(index)), signal));
    const generations = index < updatedEach ? [1, 2] : [];
    for (const generation of generations) await succeed(client.updateSecret(encodeSecret(secrets.at(index, generation)), signal));
    specs.push(secrets.at(index, generations.at(-1) ?? 0));
  }
  return specs;
}

class OwnPlane implements EnvelopePlane {
  readonly keys: PlaneKeys;
  readonly #plane: ControlPlane;
  readonly #store: Store;
  readonly #client: SecretsClient;
  readonly #written: ReadonlyMap<StoredKind, readonly WrittenSecret[]>;
  readonly #signal: AbortSignal;

  constructor(of: {
    readonly plane: ControlPlane;
    readonly store: Store;
    readonly client: SecretsClient;
    readonly keys: PlaneKeys;
    readonly written: ReadonlyMap<StoredKind, readonly WrittenSecret[]>;
    readonly signal: AbortSignal;
  }) {
    this.keys = of.keys;
    this.#plane = of.plane;
    this.#store = of.store;
    this.#client = of.client;
    this.#written = of.written;
    this.#signal = of.signal;
  }

  written(provider: StoredKind): readonly WrittenSecret[] {
    return this.#written.get(provider) ?? [];
  }

  newSecret(data: ReadonlyMap<string, Uint8Array>) {
    const metadata = {
      name: `sealed-${randomBytes(5).toString("hex")}`,
      namespace: crossNamespace,
      uid: randomUUID(),
      creationTimestamp: "2026-01-31T12:00:00Z",
      labels: new Map([["kmsmark.test/sealed-by", "the-codec"]]),
      annotations: new Map([["kmsmark.test/why", "to be read by the API server"]]),
    };
    return { secret: { metadata, type: "Opaque", data }, key: keyOf(this.#plane, metadata) };
  }

  async readBack({ metadata }: Parameters<EnvelopePlane["readBack"]>[0], value: Uint8Array): Promise<ApiAnswer> {
    const key = keyOf(this.#plane, metadata);
    await this.#store.put(key, value, this.#signal);
    try {
      return await this.#client.request({
        method: "GET",
        path: `/api/v1/namespaces/${metadata.namespace}/secrets/${metadata.name}`,
        signal: this.#signal,
      });
    } finally {
      await this.#store.delete(key);
    }
  }
}

function keyOf({ etcdPrefix }: ControlPlane, { namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${etcdPrefix}/secrets/${namespace}/${name}`;
}

async function storedOf(store: Store, key: string, signal: AbortSignal): Promise<EtcdValue> {
  const stored = await store.get(key, signal);
  if (stored === undefined) throw new TargetError("api-refused", `The API server took ${key}, and nothing lies in its store.`);
  return stored;
}

function storeOf({ store, cannot }: ControlPlane): Store {
  const lack = cannot.configure ?? cannot.restart ?? cannot.store;
  if (store !== undefined && lack === undefined) return store;
  throw new TargetError("not-ours", `The cross read needs a control plane of its own: ${lack ?? "there is no access to the store"}.`, {
    hint: "Choose another --target, or check the values that lie in an etcd with --etcd.",
  });
}

async function succeed(answer: Promise<ApiAnswer>): Promise<void> {
  const { failure, status } = await answer;
  if (failure !== undefined) throw new TargetError("api-refused", `The API server did not write a Secret: HTTP ${status}, ${failure}.`);
}

function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new RangeError(`There is no item ${index}.`);
  return item;
}
