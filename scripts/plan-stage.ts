import { randomUUID } from "node:crypto";
import { join } from "node:path";
import pLimit from "p-limit";
import { systemClock as clock } from "../harness/clock.ts";
import { TargetError } from "../harness/errors.ts";
import { KmsCallError } from "../harness/kms/contract.ts";
import { startTapWorker, type Tap } from "../harness/kms/tap.ts";
import type { TapRecord } from "../harness/kms/tap-record.ts";
import type { Lease } from "../harness/lease.ts";
import { SecretsClient } from "../harness/load/api-client.ts";
import { population } from "../harness/load/population.ts";
import { encodeSecret, type SecretRequest } from "../harness/load/secret-spec.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../harness/target/encryption-configuration.ts";
import { defaultVersions } from "../harness/target/install/index.ts";
import { processesTarget } from "../harness/target/processes.ts";
import type { ControlPlane } from "../harness/target/target.ts";
import { ScriptedKms } from "../suites/conformance/scripted-kms.ts";

/** What a scenario is played on. */
export interface StageOptions {
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly kms: "v1" | "v2";
  readonly apiServers: number;
  readonly cachesize: number;
  /** Decode one value at a time, as Kubernetes up to v1.36 does. */
  readonly isSerial?: boolean;
  readonly reload?: boolean;
}

/** Requests of the scenarios that are under way at once. */
export const inFlight = 8;
const unavailable = 14;

/** Real kube-apiservers on one etcd, a tap, and behind it a KMS that can be made slow, scarce or absent. */
export class Stage implements AsyncDisposable {
  /** Milliseconds that the KMS takes for an Encrypt or a Decrypt. */
  latencyMs = 0;
  /** Calls a second that it grants; those above wait for their turn. */
  quota: number | undefined;
  isAbsent = false;
  readonly kms: ScriptedKms;
  readonly tap: Tap;
  readonly clients: SecretsClient[] = [];
  readonly #started: AsyncDisposableStack;
  readonly #options: StageOptions;
  /** Undefined until the first {@link start}. */
  #plane: ControlPlane | undefined;
  #tokens = { left: 0, atMs: 0 };

  private constructor(started: AsyncDisposableStack, options: StageOptions, kms: ScriptedKms, tap: Tap) {
    this.#started = started;
    this.#options = options;
    this.kms = kms;
    this.tap = tap;
    const pace = async <Answer>(answer: Answer): Promise<Answer> => {
      await this.#pace();
      return answer;
    };
    this.kms.script = {
      encrypt: pace,
      decrypt: pace,
      encryptV1: pace,
      decryptV1: pace,
      status: (answer) => (this.isAbsent ? this.#refuse() : answer),
    };
  }

  static async open(options: StageOptions): Promise<Stage> {
    const { lease } = options;
    await using started = new AsyncDisposableStack();
    const name = randomUUID().slice(0, 6);
    const kms = started.use(await ScriptedKms.start(join(lease.folder, `k-${name}`), clock));
    const tap = started.use(await startTapWorker({ listen: join(lease.folder, `t-${name}`), upstream: kms.socket }));
    return new Stage(started.move(), options, kms, tap);
  }

  /** A configuration with one provider, or with a new one before it. */
  configuration(providers: readonly string[] = ["kmsmark"]): EncryptionConfiguration {
    const { kms, cachesize } = this.#options;
    const all = providers.map(
      (name): ProviderConfiguration =>
        kms === "v1"
          ? { kind: "kms", apiVersion: "v1", name, socket: this.tap.socket, cacheSize: cachesize }
          : { kind: "kms", apiVersion: "v2", name, socket: this.tap.socket },
    );
    return { resources: [{ resources: ["secrets"], providers: all }] };
  }

  /** Exchanges the file under the API servers that run. */
  async configure(encryption: EncryptionConfiguration): Promise<void> {
    await this.#plane?.changeEncryption(encryption);
  }

  /** Starts all API servers at once; resolves to the milliseconds until the last one was ready. */
  async start(encryption = this.configuration()): Promise<number> {
    const { lease, signal, apiServers, isSerial = false, reload = false } = this.#options;
    if (this.#plane !== undefined) {
      const tookMs = Math.max(...(await this.#plane.startApiServer({ encryption })));
      await this.#connect(this.#plane);
      return tookMs;
    }
    const startMs = clock.monotonicMs();
    this.#plane = this.#started.use(
      await processesTarget(process.env).start({
        ...defaultVersions,
        encryption,
        apiServers,
        automaticReload: reload,
        featureGates: isSerial ? { ConcurrentWatchObjectDecode: false } : {},
        lease,
        clock,
        signal,
      }),
    );
    await this.#connect(this.#plane);
    return clock.monotonicMs() - startMs;
  }

  async #connect({ apis }: ControlPlane): Promise<void> {
    for (const [at, api] of apis.entries()) {
      this.clients[at] ??= new SecretsClient({ api, connections: inFlight });
      await this.#client(at).warmUp(this.#options.signal);
    }
  }

  /** Stops all API servers. */
  async stop(): Promise<void> {
    await this.#plane?.stopApiServer();
  }

  /** Every call that the tap saw since it was asked the last time. */
  calls(): Promise<TapRecord[]> {
    return this.tap.drain();
  }

  /** Creates the Secrets, in turns through all API servers, and gives what was sent. */
  async fill(secrets: number): Promise<SecretRequest[]> {
    const all = population({ secrets, seed: "validate-plan" });
    for (const namespace of all.namespaces) await this.#client(0).createNamespace(namespace, this.#options.signal);
    const bodies = Array.from({ length: secrets }, (_, index) => encodeSecret(all.at(index)));
    await this.each(bodies, (client, body) => client.createSecret(body, this.#options.signal));
    return bodies;
  }

  /** Sends a request for each, in turns to all API servers. @throws TargetError `request-failed` at the first that is refused */
  async each(
    bodies: readonly SecretRequest[],
    send: (client: SecretsClient, body: SecretRequest) => Promise<{ readonly failure: string | undefined }>,
  ): Promise<void> {
    const limit = pLimit(inFlight);
    await Promise.all(
      bodies.map((body, at) =>
        limit(async () => {
          const { failure } = await send(this.#client(at % this.clients.length), body);
          if (failure !== undefined) throw new TargetError("request-failed", `A request of the scenario failed: ${failure}.`);
        }),
      ),
    );
  }

  #client(at: number): SecretsClient {
    const client = this.clients[at];
    if (client === undefined) throw new RangeError(`There is no API server ${at}.`);
    return client;
  }

  /** A bucket of one second's worth that fills evenly, then the time that a call takes. */
  async #pace(): Promise<void> {
    if (this.isAbsent) this.#refuse();
    if (this.quota !== undefined) {
      const nowMs = clock.monotonicMs();
      const left = Math.min(this.quota, this.#tokens.left + ((nowMs - this.#tokens.atMs) / 1000) * this.quota) - 1;
      this.#tokens = { left, atMs: nowMs };
      if (left < 0) await clock.sleep((-left / this.quota) * 1000);
    }
    if (this.latencyMs > 0) await clock.sleep(this.latencyMs);
  }

  #refuse(): never {
    throw new KmsCallError(unavailable, "the KMS is away");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client[Symbol.asyncDispose]();
    await this.#started.disposeAsync();
  }
}
