import { randomBytes, randomUUID } from "node:crypto";
import type { StoredKind } from "../../harness/envelope/index.ts";
import { TargetError } from "../../harness/errors.ts";
import { population } from "../../harness/load/population.ts";
import { encodeSecret, type SecretSpec } from "../../harness/load/secret-spec.ts";
import { Keyring } from "./envelope-keyring.ts";
import { prefixesOf } from "./envelope-keys.ts";
import type { EnvelopePlane, PlaneKeys, WrittenSecret } from "./envelope-plane.ts";
import { type EnvelopeSubject, storedValues } from "./envelope-subject.ts";
import { EnvelopeValue, type EtcdValue } from "./envelope-value.ts";
import { type OwnPlane, type OwnPlaneOptions, startOwnPlane, succeed } from "./own-plane.ts";

export interface OpenOwnPlaneOptions extends OwnPlaneOptions {
  /** All contents of the Secrets descend from it. */
  readonly seed: string;
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
  const { seed, clock, signal } = options;
  await using held = new AsyncDisposableStack();
  const own = held.use(await startOwnPlane(order, options));
  const { client, keys, kinds } = own;
  const last = kinds.at(-1);
  if (last === undefined) throw new Error("There are no providers.");
  const world = { own, signal };
  const specs = new Map<StoredKind, readonly SecretSpec[]>();
  for (const kind of kinds) {
    await own.write(kind);
    specs.set(kind, await writeSecrets(world, kind, seed));
  }
  await succeed(client.createNamespace(crossNamespace, signal));

  const keyring = ownKeyring(keys, signal);
  const written = new Map<StoredKind, readonly ReadSecret[]>();
  for (const [kind, ofKind] of specs) written.set(kind, await readSecrets(world, ofKind));
  const older = [...specs].flatMap(([kind, ofKind]) => (kind === last ? [] : ofKind));
  for (const { namespace, name } of older) await succeed(client.replaceUnchanged(namespace, name, signal));
  const migrated = { to: last, secrets: judged(await readSecrets(world, older), keyring) };
  const values = [...written].flatMap(([kind, ofKind]) => (kind === "identity" ? [] : ofKind.map(({ stored }) => stored)));
  const subject = storedValues({
    origin: `the control plane that kmsmark started (${options.target.kind})`,
    async *values() {
      yield* values;
    },
    keyring,
    names: [],
    readable: own.encryption().resources.flatMap(({ providers }) => providers.flatMap(prefixesOf)),
    isOneLife: true,
    severalWriters:
      "kmsmark let every provider write some of these values, to check them all; envelope/cross-migrated looks at a migration.",
    plane: { ...crossReadOf(world), keys, migrated, written: (kind) => judged(written.get(kind) ?? [], keyring) },
    lacks: own.lacks,
    clock,
  });
  const all = held.move();
  return Object.assign(subject, { [Symbol.asyncDispose]: () => all.disposeAsync() });
}

interface World {
  readonly own: OwnPlane;
  readonly signal: AbortSignal;
}

/** What the API server was told to write, and what it wrote. */
interface ReadSecret {
  readonly spec: SecretSpec;
  readonly stored: EtcdValue;
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
async function writeSecrets({ own: { client }, signal }: World, kind: StoredKind, seed: string): Promise<SecretSpec[]> {
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

function readSecrets({ own, signal }: World, specs: readonly SecretSpec[]): Promise<ReadSecret[]> {
  return Promise.all(
    specs.map(async (spec) => {
      const key = own.keyOf(spec);
      const stored = await own.store.get(key, signal);
      if (stored === undefined) throw new TargetError("api-refused", `The API server took ${key}, and nothing lies in its store.`);
      return { spec, stored };
    }),
  );
}

function judged(secrets: readonly ReadSecret[], keyring: Keyring): WrittenSecret[] {
  return secrets.map(({ spec, stored }) => ({ spec, stored: new EnvelopeValue(stored, keyring, []) }));
}

function crossReadOf({ own, signal }: World): Pick<EnvelopePlane, "newSecret" | "readBack"> {
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
      return { secret: { metadata, type: "Opaque", data }, key: own.keyOf(metadata) };
    },
    async readBack({ metadata }, value) {
      const key = own.keyOf(metadata);
      const path = `/api/v1/namespaces/${metadata.namespace}/secrets/${metadata.name}`;
      await own.store.put(key, value, signal);
      try {
        return await own.client.request({ method: "GET", path, signal });
      } finally {
        await own.store.delete(key);
      }
    },
  };
}
