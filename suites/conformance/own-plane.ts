import { randomBytes } from "node:crypto";
import type { Clock } from "../../harness/clock.ts";
import type { StoredKind } from "../../harness/envelope/index.ts";
import { TargetError } from "../../harness/errors.ts";
import { connectKmsV1, connectKmsV2, detectKmsVersions } from "../../harness/kms/client.ts";
import { type KmsVersion, kmsVersions } from "../../harness/kms/contract.ts";
import type { Lease } from "../../harness/lease.ts";
import type { ApiAnswer } from "../../harness/load/api-answer.ts";
import { SecretsClient } from "../../harness/load/api-client.ts";
import { type BundledProvider, type PluginProcess, startPluginProcess } from "../../harness/plugin-process.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../../harness/target/encryption-configuration.ts";
import type { ControlPlane, Store, Target } from "../../harness/target/target.ts";
import type { Need } from "./check.ts";
import type { PlaneKeys } from "./envelope-plane.ts";

export interface OwnPlaneOptions {
  readonly target: Target;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  /** Absolute path of somebody's plugin; the bundled one is started where there is none. */
  readonly pluginSocket: string | undefined;
  /** The KMS behind the bundled one; `local` where none is named. */
  readonly bundledProvider?: BundledProvider;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A control plane whose Secrets each of several providers may write, and all of them read. */
export interface OwnPlane extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly store: Store;
  readonly client: SecretsClient;
  readonly keys: PlaneKeys;
  readonly socket: string;
  /** Undefined for somebody's plugin. */
  readonly plugin: PluginProcess | undefined;
  /** Those that were asked for and that the plugin serves, in the order in which they were asked for. */
  readonly kinds: readonly StoredKind[];
  /** What the plugin does not serve. */
  readonly lacks: Partial<Record<Need, string>>;
  /** What is in force now. */
  encryption(): EncryptionConfiguration;
  /** Restarts the API server with this provider first, the others behind it in their order. */
  write(first: StoredKind): Promise<void>;
  /** The etcd key of a Secret. */
  keyOf(secret: { readonly namespace: string; readonly name: string }): string;
}

/**
 * Starts a control plane with all these providers for Secrets, the first of them in front.
 * @throws TargetError as a target does, `not-ours` for one that cannot be reconfigured; PluginError where there is no plugin.
 */
export async function startOwnPlane(wanted: readonly StoredKind[], options: OwnPlaneOptions): Promise<OwnPlane> {
  await using held = new AsyncDisposableStack();
  const plugin = options.pluginSocket === undefined ? held.use(await startBundled(options)) : undefined;
  const socket = options.pluginSocket ?? plugin?.socket ?? "";
  const versions = plugin === undefined ? await detectKmsVersions(socket) : kmsVersions;
  const keys = {
    localKey: { name: "key1", secret: randomBytes(32) },
    names: { "kms-v1": "kms1", "kms-v2": "kms2" },
    v1: held.use(connectKmsV1(socket)),
    v2: held.use(connectKmsV2(socket)),
  } satisfies PlaneKeys;
  const kinds = wanted.filter((kind) => isServed(kind, versions));
  const encryptionOf = (first: StoredKind) => configurationWith(first, kinds, { keys, socket });
  const [start] = kinds;
  if (start === undefined) throw new Error("There are no providers.");
  let first: StoredKind = start;

  const plane = held.use(await options.target.start({ ...options, encryption: encryptionOf(first), featureGates: {} }));
  const store = storeOf(plane);
  const client = held.use(new SecretsClient({ api: plane.api, connections: 16 }));
  const all = held.move();
  return {
    ...{ plane, store, client, keys, socket, plugin, kinds },
    lacks: lacksOf(versions),
    encryption: () => encryptionOf(first),
    async write(kind) {
      if (kind === first) return;
      first = kind;
      await plane.stopApiServer();
      await plane.startApiServer({ encryption: encryptionOf(kind) });
    },
    keyOf: ({ namespace, name }) => `${plane.etcdPrefix}/secrets/${namespace}/${name}`,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function startBundled({ bundledProvider: provider, ...options }: OwnPlaneOptions): Promise<PluginProcess> {
  return startPluginProcess({ ...options, ...(provider === undefined ? {} : { provider }) });
}

/** What has to be written before anything can be checked. @throws TargetError `api-refused` with the API server's words. */
export async function succeed(answer: Promise<ApiAnswer>): Promise<void> {
  const { failure, status } = await answer;
  if (failure !== undefined) throw new TargetError("api-refused", `The API server did not write a Secret: HTTP ${status}, ${failure}.`);
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

function storeOf({ store, cannot }: ControlPlane): Store {
  const lack = cannot.configure ?? cannot.restart ?? cannot.store;
  if (store !== undefined && lack === undefined) return store;
  throw new TargetError("not-ours", `These checks need a control plane of their own: ${lack ?? "there is no access to the store"}.`, {
    hint: "Choose another --target, or check the values that lie in an etcd with `conform envelope --etcd`.",
  });
}
