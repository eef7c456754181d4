import type { Clock } from "../clock.ts";
import type { Lease } from "../lease.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import type { Encryption } from "./encryption-configuration.ts";
import type { EtcdAccess } from "./etcd-store.ts";

export const targetKinds = ["containers", "processes", "embedded", "attached"] as const;
export type TargetKind = (typeof targetKinds)[number];

/** Where an API server answers and how a client proves who it is. The client verifies the server's certificate against `caPem`. */
export interface ApiAccess {
  /** `https://127.0.0.1:port`, without a trailing slash. */
  readonly url: string;
  readonly caPem: string;
  readonly identity:
    | { readonly kind: "token"; readonly token: string }
    | { readonly kind: "certificate"; readonly certificatePem: string; readonly keyPem: string };
}

/** One key of the API server's store, exactly as it lies there. */
export interface StoredValue {
  /** The full etcd key: also the AAD of the schemes that bind one (spec encryption-at-rest 0.3). */
  readonly key: string;
  readonly value: Uint8Array;
  /** The revision of the key's last change. */
  readonly modRevision: number;
}

/** The API server's store, read and written behind its back. */
export interface Store {
  /** Every key that begins with `prefix`, in key order. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredValue>;
  /** What every key that begins with `prefix` held in each revision that is still kept, by revision; removals are left out. */
  history(prefix: string, signal?: AbortSignal): AsyncIterable<StoredValue>;
  get(key: string, signal?: AbortSignal): Promise<StoredValue | undefined>;
  put(key: string, value: Uint8Array, signal?: AbortSignal): Promise<void>;
  delete(key: string, signal?: AbortSignal): Promise<void>;
}

/** What a suite may need of a control plane and not every one can give. */
export type Capability = "restart" | "configure" | "store" | "tap";

/** What lies behind the API server of a control plane that kmsmark started on this machine. */
export interface PlaneInternals {
  /** The folder of all its files: keys, certificates, the encryption configuration. */
  readonly folder: string;
  /** etcd's own folder, with its database and its write-ahead log. */
  readonly etcdFolder: string;
  /** Where etcd answers, and what lets a client in. */
  readonly etcd: EtcdAccess;
  /** The same as files, and the encryption configuration. */
  readonly files: { readonly caFile: string; readonly certificateFile: string; readonly keyFile: string; readonly encryptionFile: string };
}

/** A control plane that runs. Disposing of it stops what kmsmark started and nothing else. */
export interface ControlPlane extends AsyncDisposable {
  readonly kind: TargetKind;
  /** As the API server says it at /version, `v1.37.2`; the embedded model names the version it models. */
  readonly kubernetesVersion: string;
  /** Undefined where there is no etcd or it cannot be asked. */
  readonly etcdVersion: string | undefined;
  /** The first of {@link apis}. */
  readonly api: ApiAccess;
  /** Every API server; all share the store. */
  readonly apis: readonly ApiAccess[];
  /** The first part of every etcd key, `/registry`. */
  readonly etcdPrefix: string;
  /** Reads and writes stored values; undefined where {@link cannot} says why. */
  readonly store: Store | undefined;
  /** Undefined where there is nothing of the kind, or it is not kmsmark's. */
  readonly internals: PlaneInternals | undefined;
  /** Why a capability is missing, as a sentence; a capability that is not named here is there. */
  readonly cannot: Partial<Record<Capability, string>>;
  /** Stops every API server, or the one of this number (from 0), and waits until its process is gone; the store stays. */
  stopApiServer(server?: number): Promise<void>;
  /**
   * Starts the stopped API servers over the same store, all at once or the one of this number (from 0), with another encryption
   * configuration if one is given, and waits until they are ready. Gives how long each that it started took, milliseconds.
   */
  startApiServer(change?: { readonly encryption?: Encryption; readonly server?: number }): Promise<readonly number[]>;
  /** Exchanges the file under the running API servers, which look at it again only if they were started with `automaticReload`. */
  changeEncryption(encryption: Encryption): Promise<void>;
  /** The last lines of a component's log, `Infinity` for all of them; empty where there is none. Of several API servers the first one's. */
  logTail(component: "kube-apiserver" | "etcd", lines?: number): Promise<string>;
}

/** What a control plane is started with. */
export interface ControlPlaneSpec {
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly encryption: Encryption | undefined;
  /** How many API servers share the store; 1 where it is not given. */
  readonly apiServers?: number;
  /** `--encryption-provider-config-automatic-reload`; false where it is not given. */
  readonly automaticReload?: boolean;
  readonly featureGates: Readonly<Record<string, boolean>>;
  /** Resources that are listed from the store and not from the watch cache; none where it is not given. */
  readonly uncached?: readonly string[];
  /** Owns the folder for scratch files and sockets, and whatever is started. */
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A way of having a control plane. */
export interface Target {
  readonly kind: TargetKind;
  /** Undefined if it can start now; otherwise why it cannot, and the one command that would change that. */
  readiness(versions: { readonly kubernetesVersion: string; readonly etcdVersion: string }): Promise<Refusal | undefined>;
  /** Starts a control plane and waits until it is ready. Fails with a TargetError that shows the last lines of the log. */
  start(spec: ControlPlaneSpec): Promise<ControlPlane>;
  /** The same with a time of its own that passes only when it is told to, for a model, whose minutes need not be waited for. */
  withVirtualClock?(): { readonly target: Target; readonly clock: VirtualClock };
}

export interface Refusal {
  readonly kind: TargetKind;
  readonly reason: string;
  /** A command a reader can paste. */
  readonly remedy: string;
}
