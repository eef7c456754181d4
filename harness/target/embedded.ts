import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { TargetError } from "../errors.ts";
import { connectKmsV1, connectKmsV2 } from "../kms/client.ts";
import type { KmsV1, KmsV2 } from "../kms/contract.ts";
import { Random } from "../random.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { issueServerCertificates } from "./certificates.ts";
import { ApiServer, etcdPrefix } from "./embedded/api-server.ts";
import { Front } from "./embedded/front.ts";
import { answerHealth } from "./embedded/health.ts";
import { MemoryStore } from "./embedded/memory-store.ts";
import type { KmsConnections } from "./embedded/provider-set.ts";
import { type EncryptionFile, providersIn } from "./encryption-configuration.ts";
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

class EmbeddedControlPlane implements ControlPlane {
  readonly kind = "embedded";
  readonly kubernetesVersion = modelledVersion;
  readonly etcdVersion = undefined;
  readonly etcdPrefix = etcdPrefix;
  readonly cannot = {};
  readonly internals = undefined;
  readonly store = new MemoryStore();
  readonly api: ApiAccess;
  readonly #spec: ControlPlaneSpec;
  readonly #connections: KmsConnections;
  readonly #front: Front;
  readonly #random = new Random("embedded");
  readonly #log: Log;
  #encryption: EncryptionFile | undefined;
  #apiServer: ApiServer | undefined;

  private constructor(spec: ControlPlaneSpec, connections: KmsConnections, parts: { front: Front; api: ApiAccess; log: Log }) {
    this.#spec = spec;
    this.#connections = connections;
    this.#front = parts.front;
    this.#log = parts.log;
    this.#encryption = spec.encryption;
    this.api = parts.api;
  }

  static async start(spec: ControlPlaneSpec, connections: KmsConnections): Promise<ControlPlane> {
    spec.signal.throwIfAborted();
    const { caPem, certificatePem, keyPem } = await issueServerCertificates();
    const token = randomBytes(24).toString("base64url");
    const log = new Log(spec.clock);
    const front = await Front.listen({ certificatePem, keyPem, token, log: (line) => log.add(line) });
    const api: ApiAccess = { url: `https://127.0.0.1:${front.port}`, caPem, identity: { kind: "token", token } };
    const plane = new EmbeddedControlPlane(spec, connections, { front, api, log });
    try {
      await plane.#start();
    } catch (thrown) {
      await plane[Symbol.asyncDispose]();
      throw thrown;
    }
    return plane;
  }

  async stopApiServer(): Promise<void> {
    await this.#front.detach();
    await this.#apiServer?.[Symbol.asyncDispose]();
    this.#apiServer = undefined;
  }

  async startApiServer(change: { readonly encryption?: EncryptionFile } = {}): Promise<void> {
    await this.stopApiServer();
    if (change.encryption !== undefined) this.#encryption = change.encryption;
    await this.#start();
  }

  async changeEncryption(encryption: EncryptionFile): Promise<void> {
    this.#encryption = encryption;
  }

  async logTail(component: "kube-apiserver" | "etcd", lines = 50): Promise<string> {
    return component === "etcd" ? "" : this.#log.tail(lines);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopApiServer();
    await this.#front[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const { clock, featureGates, automaticReload = false } = this.#spec;
    // As the real targets do for a configuration that asks for it.
    const usesKmsV1 = providersIn(this.#encryption).some((provider) => provider.kind === "kms" && provider.apiVersion === "v1");
    this.#log.add(`starting the model of kube-apiserver ${modelledVersion}`);
    const apiServer = await ApiServer.start({
      connections: this.#connections,
      store: this.store,
      encryption: () => this.#encryption,
      automaticReload,
      featureGates: { ...targetGates, ...(usesKmsV1 ? { KMSv1: true } : {}), ...featureGates },
      clock,
      random: this.#random,
      log: (line) => this.#log.add(line),
    });
    this.#apiServer = apiServer;
    this.#front.attach(apiServer);
    await this.#untilReady(apiServer);
  }

  /** Waits as a client does who asks /readyz, so that the health checks of KMS providers run as they do before a real API server is ready. */
  async #untilReady(apiServer: ApiServer): Promise<void> {
    const { clock, signal } = this.#spec;
    const giveUpMs = clock.monotonicMs() + readyTimeoutMs;
    const readyz = new URL("/readyz?verbose", this.api.url);
    for (;;) {
      const answer = await answerHealth(apiServer, readyz);
      if (answer?.httpStatus === 200) break;
      if (clock.monotonicMs() >= giveUpMs) {
        for (const { name, check } of apiServer.kmsChecks) this.#log.add(`${name}: ${(await check())?.message ?? "ok"}`);
        const tail = await this.logTail("kube-apiserver", 10);
        throw new TargetError("api-server-not-ready", `The embedded API server was not ready after ${readyTimeoutMs / 1000} s.\n${tail}`, {
          hint: "Look at the KMS plugin: its health is part of the API server's.",
        });
      }
      await clock.sleep(readyPollMs, signal);
    }
    this.#log.add("ready");
  }
}
