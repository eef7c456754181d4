import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../harness/clock.ts";
import { TargetError } from "../../harness/errors.ts";
import type { Lease } from "../../harness/lease.ts";
import type { EncryptionFile, LocalKey } from "../../harness/target/encryption-configuration.ts";
import type { Target } from "../../harness/target/target.ts";
import { TestServer } from "./apiserver-server.ts";
import type { SubjectBase } from "./check.ts";
import { ScriptedKms } from "./scripted-kms.ts";

/** The provider that writes in a shared control plane. */
export const sharedProviders = ["kms-v2", "kms-v1", "aescbc", "aesgcm", "secretbox", "identity"] as const;
export type SharedProvider = (typeof sharedProviders)[number];
/** Those that do encrypt. */
export const encryptingProviders = ["kms-v2", "kms-v1", "aescbc", "aesgcm", "secretbox"] as const satisfies readonly SharedProvider[];

/** An API server under conformance checks: any number of control planes of one target and version, started as the checks ask for them. */
export interface ApiserverSubject extends SubjectBase, AsyncDisposable {
  /** `v1.37.2`. */
  readonly kubernetesVersion: string;
  /** True for the embedded model. */
  readonly isModel: boolean;
  readonly signal: AbortSignal;
  /** A stage of the check's own, for checks that disturb the plugin, restart, or wait. */
  stage(): Promise<Stage>;
  /**
   * A running control plane whose first provider is the given one and which reads what all the others wrote, too. Checks use it in turn: it
   * is the caller's own until that disposes of it, and comes with an empty namespace. It must be left as it was found: the plugin honest,
   * the values readable, no other provider in front.
   */
  shared(provider: SharedProvider): Promise<SharedStage>;
  /** Starts an API server with a configuration file of this text, and resolves to its last words if it does not start; undefined if it does. */
  refusedStart(text: string): Promise<string | undefined>;
}

/** Time, plugins and control planes of one check; all end with it. */
export interface Stage extends AsyncDisposable {
  readonly clock: Clock;
  /** Lets so many milliseconds pass: really, or for a model at once. */
  pass(ms: number): Promise<void>;
  /** Asks again every `everyMs` until the answer is yes; false if it is still no after `withinMs`. */
  until(condition: () => Promise<boolean>, time: { readonly withinMs: number; readonly everyMs: number }): Promise<boolean>;
  startKms(): Promise<ScriptedKms>;
  /** Starts etcd and the API server, and waits until it is ready. Fails with a TargetError as a target does. */
  startServer(options: ServerOptions): Promise<TestServer>;
}

export interface ServerOptions {
  readonly encryption: EncryptionFile;
  readonly featureGates?: Readonly<Record<string, boolean>>;
  readonly automaticReload?: boolean;
}

/** A running API server that can encrypt with every provider, and all that decrypts what it stored. */
export interface KnownServer {
  readonly server: TestServer;
  readonly kms: ScriptedKms;
  /** What the local providers encrypt with, under the name of their kind. */
  readonly localKeys: LocalKeys;
  /** What the local providers read with besides. */
  readonly secondKeys: LocalKeys;
  /** The name of both KMS providers' entries: `kms2` and `kms1`. */
  readonly names: { readonly "kms-v2": string; readonly "kms-v1": string };
}

export type LocalKeys = Readonly<Record<"aescbc" | "aesgcm" | "secretbox", LocalKey>>;

export interface SharedStage extends Stage, KnownServer {}

export interface OpenApiserverOptions {
  readonly target: Target;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Opens an API server of a target for checks. Nothing is started before a check asks for it. */
export function openApiserver(options: OpenApiserverOptions): ApiserverSubject {
  const isModel = options.target.withVirtualClock !== undefined;
  const shared = new Map<SharedProvider, Promise<SharedPlane>>();
  const isForeign = options.target.kind === "attached";
  let doorkeeper: Promise<Doorkeeper> | undefined;
  return {
    kubernetesVersion: options.kubernetesVersion,
    isModel,
    signal: options.signal,
    lacks: (need) =>
      isForeign && (need === "configure" || need === "restart" || need === "store")
        ? "The control plane is not kmsmark's: it is neither reconfigured nor restarted."
        : undefined,
    stage: async () => new OwnStage(options),
    async shared(provider) {
      const known = shared.get(provider) ?? startSharedPlane(options, provider);
      shared.set(provider, known);
      return (await known).take();
    },
    async refusedStart(text) {
      doorkeeper ??= Doorkeeper.open(options);
      return (await doorkeeper).refusedStart(text);
    },
    async [Symbol.asyncDispose]() {
      for (const plane of await Promise.allSettled(shared.values())) if (plane.status === "fulfilled") await plane.value.end();
      await (await doorkeeper?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/** A control plane whose API server is only ever started to see whether it starts, one start at a time. */
class Doorkeeper implements AsyncDisposable {
  readonly #stage: Stage;
  readonly #server: TestServer;
  #free: Promise<unknown> = Promise.resolve();

  private constructor(stage: Stage, server: TestServer) {
    this.#stage = stage;
    this.#server = server;
  }

  static async open(options: OpenApiserverOptions): Promise<Doorkeeper> {
    await using held = new AsyncDisposableStack();
    const stage = held.use(new OwnStage(options));
    const server = await stage.startServer({ encryption: { resources: [{ resources: ["secrets"], providers: [{ kind: "identity" }] }] } });
    await server.plane.stopApiServer();
    held.move();
    return new Doorkeeper(stage, server);
  }

  refusedStart(text: string): Promise<string | undefined> {
    const answer = this.#free.then(() => this.#start(text));
    this.#free = answer.catch(() => undefined);
    return answer;
  }

  async #start(text: string): Promise<string | undefined> {
    const { plane } = this.#server;
    try {
      await plane.startApiServer({ encryption: { text } });
    } catch (thrown) {
      if (thrown instanceof TargetError) return thrown.message;
      throw thrown;
    }
    await plane.stopApiServer();
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stage[Symbol.asyncDispose]();
  }
}

class OwnStage implements Stage {
  readonly clock: Clock;
  readonly pass: (ms: number) => Promise<void>;
  readonly #options: OpenApiserverOptions;
  readonly #target: Target;
  readonly #held = new AsyncDisposableStack();

  constructor(options: OpenApiserverOptions) {
    const { target, clock } = options.target.withVirtualClock?.() ?? { target: options.target, clock: undefined };
    this.#options = options;
    this.#target = target;
    this.clock = clock ?? options.clock;
    this.pass = clock === undefined ? (ms) => options.clock.sleep(ms, options.signal) : (ms) => clock.advance(ms);
  }

  async until(condition: () => Promise<boolean>, { withinMs, everyMs }: { readonly withinMs: number; readonly everyMs: number }) {
    const giveUpMs = this.clock.monotonicMs() + withinMs;
    while (!(await condition())) {
      if (this.clock.monotonicMs() >= giveUpMs) return false;
      await this.pass(everyMs);
    }
    return true;
  }

  async startKms(): Promise<ScriptedKms> {
    const socket = join(this.#options.lease.folder, `${randomBytes(5).toString("hex")}.sock`);
    return this.#held.use(await ScriptedKms.start(socket, this.clock));
  }

  async startServer({ encryption, featureGates = {}, automaticReload = false }: ServerOptions): Promise<TestServer> {
    const { kubernetesVersion, etcdVersion, lease, signal } = this.#options;
    // What an idle server reads by itself would count among what a check asked for; the checks that are about it name the gate.
    const gates = { DetectCacheInconsistency: false, ...featureGates };
    const plane = this.#held.use(
      await this.#target.start({
        ...{ kubernetesVersion, etcdVersion, encryption, automaticReload, lease, signal },
        featureGates: gates,
        clock: this.clock,
      }),
    );
    const server = this.#held.use(new TestServer(plane, signal));
    await server.newNamespace();
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}

/** A control plane that checks use one after the other. */
class SharedPlane {
  readonly #stage: Stage;
  readonly #known: KnownServer;
  #free: Promise<void> = Promise.resolve();

  constructor(stage: Stage, known: KnownServer) {
    this.#stage = stage;
    this.#known = known;
  }

  async take(): Promise<SharedStage> {
    const before = this.#free;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#free = promise;
    await before;
    await this.#known.server.newNamespace();
    return {
      ...this.#known,
      clock: this.#stage.clock,
      pass: (ms) => this.#stage.pass(ms),
      until: (condition, time) => this.#stage.until(condition, time),
      startKms: () => this.#stage.startKms(),
      startServer: (options) => this.#stage.startServer(options),
      [Symbol.asyncDispose]: async () => resolve(),
    };
  }

  async end(): Promise<void> {
    await this.#stage[Symbol.asyncDispose]();
  }
}

async function startSharedPlane(options: OpenApiserverOptions, first: SharedProvider): Promise<SharedPlane> {
  await using stage = new AsyncDisposableStack();
  const own = stage.use(new OwnStage(options));
  const known = await startKnownServer(own, first);
  stage.move();
  return new SharedPlane(own, known);
}

/** Starts on a stage what {@link ApiserverSubject.shared} gives: for checks that leave it other than they found it. */
export async function startKnownServer(
  stage: Stage,
  first: SharedProvider,
  featureGates: Readonly<Record<string, boolean>> = {},
): Promise<KnownServer> {
  const kms = await stage.startKms();
  const localKeys = newKeys("key1");
  const secondKeys = newKeys("key2");
  const names = { "kms-v2": "kms2", "kms-v1": "kms1" };
  const providers = {
    "kms-v2": { kind: "kms", apiVersion: "v2", name: names["kms-v2"], socket: kms.socket },
    "kms-v1": { kind: "kms", apiVersion: "v1", name: names["kms-v1"], socket: kms.socket },
    aescbc: { kind: "aescbc", keys: [localKeys.aescbc, secondKeys.aescbc] },
    aesgcm: { kind: "aesgcm", keys: [localKeys.aesgcm, secondKeys.aesgcm] },
    secretbox: { kind: "secretbox", keys: [localKeys.secretbox, secondKeys.secretbox] },
    identity: { kind: "identity" },
  } as const;
  const order = [first, ...sharedProviders.filter((provider) => provider !== first)];
  const encryption = { resources: [{ resources: ["secrets"], providers: order.map((provider) => providers[provider]) }] };
  const server = await stage.startServer({ encryption, featureGates });
  return { server, kms, localKeys, secondKeys, names };
}

function newKeys(name: string): LocalKeys {
  const newKey = () => ({ name, secret: randomBytes(32) });
  return { aescbc: newKey(), aesgcm: newKey(), secretbox: newKey() };
}
