import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../harness/clock.ts";
import { dekSourceId, EnvelopeError, parseStoredValue } from "../../harness/envelope/index.ts";
import { UsageError } from "../../harness/errors.ts";
import { parseFault } from "../../harness/kms/fault-syntax.ts";
import { startTap, type Tap } from "../../harness/kms/tap.ts";
import { chooseTarget } from "../../harness/target/choose.ts";
import type { EncryptionFile } from "../../harness/target/encryption-configuration.ts";
import type { ControlPlane, StoredValue, Target } from "../../harness/target/target.ts";
import type { VirtualClock } from "../../harness/virtual-clock.ts";
import { ScriptedKms } from "../conformance/scripted-kms.ts";
import type { Bench } from "./benchmark.ts";
import { startKmsChain } from "./kms-chain.ts";

/**
 * Where a scenario is played: a KMS behind a tap, control planes over it, and a time. A scenario is written once and played twice, on the
 * target that is measured and on the model of the API server, whose counts are what the others are held against.
 */
export interface Scene extends AsyncDisposable {
  readonly clock: Clock;
  /** True where time passes only when it is told to, and at once. */
  readonly isVirtual: boolean;
  /** The KMS as API servers reach it. */
  readonly kmsSocket: string;
  readonly tap: Tap;
  /** Disturbs the KMS from now on by faults as `kmsmark tap --fault` takes them, and by no others. */
  disturb(...faults: readonly string[]): Promise<void>;
  /** Changes the key that the plugin encrypts with. @throws UsageError `cannot-rotate` where that is not kmsmark's to do */
  rotateKey(): Promise<void>;
  /** Starts etcd and API servers, one unless told otherwise, and waits until they are ready. */
  start(encryption: EncryptionFile, apiServers?: number): Promise<ControlPlane>;
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>;
  /** Waits for work that needs time to pass, such as a start of an API server. A request over HTTP is none: it is awaited as it is. */
  during<Result>(work: Promise<Result>): Promise<Result>;
}

/** Time in the steps of which a model is let go on, milliseconds. */
const stepMs = 50;

/** The latency by which the KMS answers every call later. */
export function latencyFaults(ms: number): string[] {
  return ms === 0 ? [] : [`*:latency=${ms}ms`];
}

/** The scene of the target that is measured; a model's passes its time at once, unless latencies are measured. */
export async function openScene(bench: Bench, { isTimed }: { readonly isTimed: boolean }): Promise<Scene> {
  const virtual = isTimed ? undefined : bench.target.withVirtualClock?.();
  if (virtual !== undefined) return await openModelScene(bench, virtual, bench.options.featureGates);
  await using held = new AsyncDisposableStack();
  // One tap for all API servers: a quota is for all of them together.
  const chain = held.use(await startKmsChain({ ...bench, ...bench.options, apiServers: 1 }));
  const [tap] = chain.taps;
  if (tap === undefined) throw new TypeError("A chain has a tap for each API server.");
  const { clock, signal } = bench;
  const all = held.move();
  return {
    clock,
    isVirtual: false,
    kmsSocket: tap.socket,
    tap,
    disturb: (...faults) => tap.setFaults(faults.map(parseFault)),
    async rotateKey() {
      if (chain.rotateKey === undefined) throw cannotRotate();
      await chain.rotateKey();
    },
    start: (encryption, apiServers = 1) =>
      bench.target.start({ ...bench.options, apiServers, encryption, lease: bench.lease, clock, signal }),
    pass: (ms) => clock.sleep(ms, signal),
    during: (work) => work,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** The scene of the model of the API server, in a time of its own. */
export async function openForecastScene(bench: Bench): Promise<Scene> {
  const { options, clock, signal } = bench;
  const { target } = await chooseTarget({ ...options, wanted: "embedded", environment: {}, progress: () => {}, clock, signal });
  const virtual = target.withVirtualClock?.();
  if (virtual === undefined) throw new TypeError("The embedded target has a time of its own.");
  // One value at a time makes counts that are exact; what more at a time may add, a scenario says itself.
  return await openModelScene(bench, virtual, { ...bench.options.featureGates, ConcurrentWatchObjectDecode: false });
}

async function openModelScene(
  bench: Bench,
  { target, clock }: { readonly target: Target; readonly clock: VirtualClock },
  featureGates: Readonly<Record<string, boolean>>,
): Promise<Scene> {
  const { lease, signal, options } = bench;
  await using held = new AsyncDisposableStack();
  const socket = (name: string) => join(lease.folder, `${randomBytes(4).toString("hex")}.${name}`);
  const kms = held.use(await ScriptedKms.start(socket("kms"), clock));
  const tap = held.use(await startTap({ listen: socket("tap"), upstream: kms.socket, clock }));
  const all = held.move();
  return {
    clock,
    isVirtual: true,
    kmsSocket: tap.socket,
    tap,
    // Time stands still while a call is under way, so that it could not be late.
    disturb: (...faults) => tap.setFaults(faults.map(parseFault).filter(({ action }) => action.kind !== "latency")),
    async rotateKey() {
      kms.keyId = randomUUID();
    },
    start: (encryption, apiServers = 1) =>
      during(clock, target.start({ ...options, apiServers, featureGates, encryption, lease, clock, signal })),
    pass: (ms) => clock.advance(ms),
    during: (work) => during(clock, work),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function during<Result>(clock: VirtualClock, work: Promise<Result>): Promise<Result> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  work.then(end, end);
  while (!isOver) await clock.advance(stepMs);
  return await work;
}

export function cannotRotate(): UsageError {
  return new UsageError("cannot-rotate", "The key of this plugin is not kmsmark's to rotate.", {
    hint: "The benchmark rotation needs the bundled plugin with the provider local: leave --socket and --provider out.",
  });
}

/** The Secrets of a control plane as they lie in its store. */
export interface StoredSecrets {
  readonly count: number;
  /** Distinct DEK sources; with KMS v1 every value has one of its own. */
  readonly dekSources: number;
  /** How many were encrypted under each key_id; KMS v1 has none. */
  readonly byKeyId: ReadonlyMap<string, number>;
  /** The greatest number of Secrets that share one DEK source, for each. */
  readonly sharing: readonly number[];
  /** Revisions by etcd key: what was written since has another. */
  readonly revisions: ReadonlyMap<string, number>;
}

/** Reads all Secrets behind the API server's back. */
export async function storedSecrets({ store, etcdPrefix }: ControlPlane, signal: AbortSignal): Promise<StoredSecrets> {
  if (store === undefined) throw new TypeError("A control plane that kmsmark starts has a store to read.");
  const sources = new Map<string, number>();
  const byKeyId = new Map<string, number>();
  const revisions = new Map<string, number>();
  for await (const stored of store.list(`${etcdPrefix}/secrets/`, signal)) {
    revisions.set(stored.key, stored.modRevision);
    const { source, keyId } = sourceOf(stored);
    sources.set(source, (sources.get(source) ?? 0) + 1);
    if (keyId !== undefined) byKeyId.set(keyId, (byKeyId.get(keyId) ?? 0) + 1);
  }
  return { count: revisions.size, dekSources: sources.size, byKeyId, sharing: [...sources.values()], revisions };
}

/** The key_id under which one Secret is stored; undefined with KMS v1. */
export async function storedKeyId(plane: ControlPlane, key: string, signal: AbortSignal): Promise<string | undefined> {
  const stored = await plane.store?.get(key, signal);
  return stored === undefined ? undefined : sourceOf(stored).keyId;
}

function sourceOf({ key, value }: StoredValue): { readonly source: string; readonly keyId: string | undefined } {
  try {
    const stored = parseStoredValue(value);
    return stored.kind === "kms-v2"
      ? { source: dekSourceId(stored.object), keyId: stored.object.keyId }
      : { source: key, keyId: undefined };
  } catch (thrown) {
    if (thrown instanceof EnvelopeError) return { source: key, keyId: undefined };
    throw thrown;
  }
}
