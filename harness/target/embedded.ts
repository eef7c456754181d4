import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { TargetError } from "../errors.ts";
import { connectKmsV1, connectKmsV2 } from "../kms/client.ts";
import type { KmsV1, KmsV2 } from "../kms/contract.ts";
import { Random } from "../random.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { issueServerCertificates, type ServerCertificates } from "./certificates.ts";
import { ApiServer, etcdPrefix } from "./embedded/api-server.ts";
import { Front } from "./embedded/front.ts";
import { answerHealth } from "./embedded/health.ts";
import { MemoryStore } from "./embedded/memory-store.ts";
import type { KmsConnections } from "./embedded/provider-set.ts";
import { type Encryption, type EncryptionFile, encryptionOf, providersIn } from "./encryption-configuration.ts";
import type { ApiAccess, ControlPlane, ControlPlaneSpec, Target } from "./target.ts";

/** The version whose encryption path the model follows (spec encryption-at-rest, baseline). */
const modelledVersion = "v1.37.2";
/** An API server that is not ready after this long is given up, milliseconds. */
const readyTimeoutMs = 60_000;
const readyPollMs = 100;
const logLinesMax = 1000;

/** Differs from v1.37.2 unless the run names it: a start decodes one value at a time, so that it decrypts each DEK source exactly once. */
const targetGates = { ConcurrentWatchObjectDecode: false };

/**
 * The API server as a model inside this process: real TLS, HTTP, cryptography and KMS calls, the decisions of `harness/model`, and a store in
 * memory. It needs nothing installed, and is never to be taken for kube-apiserver.
 */
export const embeddedTarget: Target = createEmbeddedTarget({ connectV1: connectKmsV1, connectV2: connectKmsV2 });

/** The embedded target over other connections to the KMS, such as a test's. */
export function createEmbeddedTarget(connections: KmsConnections): Target {
  return {
    kind: "embedded",
    readiness: async () => undefined,
    start: (spec) => EmbeddedControlPlane.start(spec, connections),
    withVirtualClock() {
      const calls = new CallsUnderWay(connections);
      return { target: createEmbeddedTarget(calls), clock: new VirtualClock(undefined, () => calls.count === 0) };
    },
  };
}

/** Counts the calls to the KMS that are not answered yet: they take real time, for which a virtual clock has to wait. */
class CallsUnderWay implements KmsConnections {
  count = 0;
  readonly #connections: KmsConnections;

  constructor(connections: KmsConnections) {
    this.#connections = connections;
  }

  connectV1(socket: string): KmsV1 & Disposable {
    const kms = this.#connections.connectV1(socket);
    return {
      version: (options) => this.#counted(kms.version(options)),
      encrypt: (plain, options) => this.#counted(kms.encrypt(plain, options)),
      decrypt: (cipher, options) => this.#counted(kms.decrypt(cipher, options)),
      [Symbol.dispose]: () => kms[Symbol.dispose](),
    };
  }

  connectV2(socket: string): KmsV2 & Disposable {
    const kms = this.#connections.connectV2(socket);
    return {
      status: (options) => this.#counted(kms.status(options)),
      encrypt: (request, options) => this.#counted(kms.encrypt(request, options)),
      decrypt: (request, options) => this.#counted(kms.decrypt(request, options)),
      [Symbol.dispose]: () => kms[Symbol.dispose](),
    };
  }

  async #counted<Answer>(call: Promise<Answer>): Promise<Answer> {
    this.count++;
    try {
      return await call;
    } finally {
      this.count--;
    }
  }
}

/** The last lines that the API server wrote, in memory. */
class Log {
  readonly #clock: Clock;
  readonly #lines: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(line: string): void {
    this.#lines.push(`${new Date(this.#clock.wallMs()).toISOString()} ${line}`);
    if (this.#lines.length > logLinesMax) this.#lines.shift();
  }

  tail(lines: number): string {
    return this.#lines.slice(-lines).join("\n");
  }
}

/** One API server of the model: it keeps its address when it is stopped and started again. */
class EmbeddedServer implements AsyncDisposable {
  readonly api: ApiAccess;
  readonly #parts: ServerParts;
  readonly #front: Front;
  readonly #random: Random;
  #apiServer: ApiServer | undefined;

  private constructor(parts: ServerParts, front: Front, token: string) {
    this.#parts = parts;
    this.#front = front;
    this.#random = new Random(parts.number === 0 ? "embedded" : `embedded/${parts.number}`);
    const { caPem } = parts.certificates;
    this.api = { url: `https://127.0.0.1:${front.port}`, caPem, identity: { kind: "token", token } };
  }

  static async listen(parts: ServerParts, token: string): Promise<EmbeddedServer> {
    const { certificatePem, keyPem } = parts.certificates;
    const front = await Front.listen({ certificatePem, keyPem, token, log: (line) => parts.log.add(line) });
    return new EmbeddedServer(parts, front, token);
  }

  async stop(): Promise<void> {
    await this.#front.detach();
    await this.#apiServer?.[Symbol.asyncDispose]();
    this.#apiServer = undefined;
  }

  /** Waits until it is ready, and gives how long that took, milliseconds. */
  async start(): Promise<number> {
    const { spec, store, connections, log, encryption } = this.#parts;
    const { clock, featureGates, automaticReload = false, uncached = [] } = spec;
    const startMs = clock.monotonicMs();
    // As the real targets do for a configuration that asks for it.
    const usesKmsV1 = providersIn(encryption()).some((provider) => provider.kind === "kms" && provider.apiVersion === "v1");
    log.add(`starting the model of kube-apiserver ${modelledVersion}`);
    const apiServer = await ApiServer.start({
      connections,
      store,
      encryption,
      automaticReload,
      uncached,
      featureGates: { ...targetGates, ...(usesKmsV1 ? { KMSv1: true } : {}), ...featureGates },
      clock,
      random: this.#random,
      log: (line) => log.add(line),
    });
    this.#apiServer = apiServer;
    this.#front.attach(apiServer);
    await this.#untilReady(apiServer);
    return clock.monotonicMs() - startMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#front[Symbol.asyncDispose]();
  }

  /** Waits as a client does who asks /readyz, so that the health checks of KMS providers run as they do before a real API server is ready. */
  async #untilReady(apiServer: ApiServer): Promise<void> {
    const { spec, log } = this.#parts;
    const { clock, signal } = spec;
    const giveUpMs = clock.monotonicMs() + readyTimeoutMs;
    const readyz = new URL("/readyz?verbose", this.api.url);
    for (;;) {
      const answer = await answerHealth(apiServer, readyz);
      if (answer?.httpStatus === 200) break;
      if (clock.monotonicMs() >= giveUpMs) {
        for (const { name, check } of apiServer.kmsChecks) log.add(`${name}: ${(await check())?.message ?? "ok"}`);
        const seconds = readyTimeoutMs / 1000;
        throw new TargetError("api-server-not-ready", `The embedded API server was not ready after ${seconds} s.\n${log.tail(10)}`, {
          hint: "Look at the KMS plugin: its health is part of the API server's.",
        });
      }
      await clock.sleep(readyPollMs, signal);
    }
    log.add("ready");
  }
}

interface ServerParts {
  /** Counts from 0. */
  readonly number: number;
  readonly spec: ControlPlaneSpec;
  readonly connections: KmsConnections;
  readonly store: MemoryStore;
  readonly certificates: ServerCertificates;
  readonly log: Log;
  encryption(): EncryptionFile | undefined;
}

class EmbeddedControlPlane implements ControlPlane {
  readonly kind = "embedded";
  readonly kubernetesVersion = modelledVersion;
  readonly etcdVersion = undefined;
  readonly etcdPrefix = etcdPrefix;
  readonly cannot = {};
  readonly internals = undefined;
  readonly store = new MemoryStore();
  readonly #log: Log;
  readonly #servers: EmbeddedServer[] = [];
  #encryption: Encryption | undefined;

  private constructor(spec: ControlPlaneSpec) {
    this.#log = new Log(spec.clock);
    this.#encryption = spec.encryption;
  }

  static async start(spec: ControlPlaneSpec, connections: KmsConnections): Promise<ControlPlane> {
    spec.signal.throwIfAborted();
    const certificates = await issueServerCertificates();
    const token = randomBytes(24).toString("base64url");
    const plane = new EmbeddedControlPlane(spec);
    try {
      for (let number = 0; number < (spec.apiServers ?? 1); number++) {
        const encryption = () => encryptionOf(plane.#encryption, number);
        const parts: ServerParts = { number, spec, connections, store: plane.store, certificates, log: plane.#log, encryption };
        plane.#servers.push(await EmbeddedServer.listen(parts, token));
      }
      await plane.startApiServer();
    } catch (thrown) {
      await plane[Symbol.asyncDispose]();
      throw thrown;
    }
    return plane;
  }

  get apis(): readonly ApiAccess[] {
    return this.#servers.map(({ api }) => api);
  }

  get api(): ApiAccess {
    const [first] = this.apis;
    if (first === undefined) throw new RangeError("A control plane has at least one API server.");
    return first;
  }

  async stopApiServer(server?: number): Promise<void> {
    await Promise.all(this.#chosen(server).map((each) => each.stop()));
  }

  async startApiServer(change: { readonly encryption?: Encryption; readonly server?: number } = {}): Promise<readonly number[]> {
    const chosen = this.#chosen(change.server);
    await Promise.all(chosen.map((server) => server.stop()));
    if (change.encryption !== undefined) this.#encryption = change.encryption;
    const starts = chosen.map((server) => server.start());
    await Promise.allSettled(starts);
    return await Promise.all(starts);
  }

  async changeEncryption(encryption: Encryption): Promise<void> {
    this.#encryption = encryption;
  }

  async logTail(component: "kube-apiserver" | "etcd", lines = 50): Promise<string> {
    return component === "etcd" ? "" : this.#log.tail(lines);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()));
  }

  #chosen(server: number | undefined): readonly EmbeddedServer[] {
    return this.#servers.filter((_, at) => server === undefined || at === server);
  }
}
