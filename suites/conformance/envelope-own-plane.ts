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
  const last = later.at(-1);
  if (start === undefined || last === undefined) throw new Error("There are no providers.");
  const plane = held.use(await target.start({ ...options, encryption: encryptionOf(start), featureGates: {} }));
  const world = { plane, store: storeOf(plane), client: held.use(new SecretsClient({ api: plane.api, connections: 4 })), signal };
  const specs = new Map([[start, await writeSecrets(world, start, seed)]]);
  for (const kind of later) {
    await plane.stopApiServer();
    await plane.startApiServer({ encryption: encryptionOf(kind) });
    specs.set(kind, await writeSecrets(world, kind, seed));
  }
  await succeed(world.client.createNamespace(crossNamespace, signal));

  const keyring = ownKeyring(keys, signal);
  const written = new Map<StoredKind, readonly ReadSecret[]>();
  for (const [kind, ofKind] of specs) written.set(kind, await readSecrets(world, ofKind));
  const older = [...specs].flatMap(([kind, ofKind]) => (kind === last ? [] : ofKind));
  for (const { namespace, name } of older) await succeed(world.client.replaceUnchanged(namespace, name, signal));
  const migrated = { to: last, secrets: judged(await readSecrets(world, older), keyring) };
  const values = [...written].flatMap(([kind, ofKind]) => (kind === "identity" ? [] : ofKind.map(({ stored }) => stored)));
  const subject = storedValues({
    origin: `the control plane that kmsmark started (${target.kind})`,
    async *values() {
      yield* values;
    },
    keyring,
    names: [],
    readable: encryptionOf(last).resources.flatMap(({ providers }) => providers.flatMap(prefixesOf)),
    isOneLife: true,
    severalWriters:
      "kmsmark let every provider write some of these values, to check them all; envelope/cross-migrated looks at a migration.",
    plane: { ...crossReadOf(world), keys, migrated, written: (kind) => judged(written.get(kind) ?? [], keyring) },
    lacks: lacksOf(versions),
    clock,
  });
  const all = held.move();
  return Object.assign(subject, { [Symbol.asyncDispose]: () => all.disposeAsync() });
}

/** A control plane and its two doors. */
interface World {
  readonly plane: ControlPlane;
  readonly store: Store;
  readonly client: SecretsClient;
  readonly signal: AbortSignal;
}

/** What the API server was told to write, and what it wrote. */
interface ReadSecret {
  readonly spec: SecretSpec;
  readonly stored: EtcdValue;
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
async function writeSecrets({ client, signal }: World, kind: StoredKind, seed: string): Promise<SecretSpec[]> {
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

function readSecrets({ plane, store, signal }: World, specs: readonly SecretSpec[]): Promise<ReadSecret[]> {
  return Promise.all(
    specs.map(async (spec) => {
      const key = keyOf(plane, spec);
      const stored = await store.get(key, signal);
      if (stored === undefined) throw new TargetError("api-refused", `The API server took ${key}, and nothing lies in its store.`);
      return { spec, stored };
    }),
  );
}

function judged(secrets: readonly ReadSecret[], keyring: Keyring): WrittenSecret[] {
  return secrets.map(({ spec, stored }) => ({ spec, stored: new EnvelopeValue(stored, keyring, []) }));
}

function crossReadOf({ plane, store, client, signal }: World): Pick<EnvelopePlane, "newSecret" | "readBack"> {
  return {
    newSecret(data) {
      const metadata = {
        name: `sealed-${randomBytes(5).toString("hex")}`,
        namespace: crossNamespace,
        uid: randomUUID(),
        creationTimestamp: "2026-01-31T12:00:00Z",
        labels: new Map([["kmsmark.test/sealed-by", "the-codec"]]),
        annotations: new Map([["kmsmark.test/why", "to be read by the API server"]]),
      };
      return { secret: { metadata, type: "Opaque", data }, key: keyOf(plane, metadata) };
    },
    async readBack({ metadata }, value) {
      const key = keyOf(plane, metadata);
      const path = `/api/v1/namespaces/${metadata.namespace}/secrets/${metadata.name}`;
      await store.put(key, value, signal);
      try {
        return await client.request({ method: "GET", path, signal });
      } finally {
        await store.delete(key);
      }
    },
  };
}

function keyOf({ etcdPrefix }: ControlPlane, { namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${etcdPrefix}/secrets/${namespace}/${name}`;
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
