import {
  consistencyCheckDelayMs,
  createKmsV1,
  createKmsV2,
  failure,
  type Instant,
  type KmsV1Call,
  type KmsV1Effect,
  type KmsV1Event,
  type KmsV1State,
  type KmsV2Effect,
  type KmsV2Event,
  type KmsV2State,
  type Outcome,
  startInitialList,
  stepInitialList,
  stepKmsV1,
  stepKmsV2,
} from "../model/index.ts";
import type { Random } from "../random.ts";
import type { Behaviour } from "./behaviour.ts";
import type { EventQueue } from "./event-queue.ts";
import { type Fleet, listStartMs } from "./fleet.ts";
import type { Cause, PlanMethod } from "./ledger.ts";
import type { ModelledKms } from "./modelled-kms.ts";

/** One stored object, as far as its encryption goes. */
export interface Stored {
  readonly source: string;
  /** The key_id of KMS v2; of KMS v1 the provider that wrote it. */
  readonly keyId: string;
}

/** What a server needs of the cluster that it belongs to. */
export interface ServerSurroundings {
  readonly fleet: Fleet;
  readonly behaviour: Behaviour;
  readonly queue: EventQueue;
  readonly kms: ModelledKms;
  readonly random: Random;
  /** Unique in the simulation. */
  readonly name: string;
  /** The key_id that Status says now; of KMS v1 the provider that writes. */
  keyId(): string;
  /** What is stored, resource by resource. */
  resources(): readonly (readonly Stored[])[];
}

type Done = (isOk: boolean) => void;
interface Operation {
  readonly cause: Cause;
  readonly done: (sealed: Stored | undefined, isOk: boolean) => void;
}

/** A reflector that failed lists again after 0.8 s, doubled up to 30 s, plus up to as much again (k8s.io/client-go/tools/cache/reflector.go). */
const relistMs = { first: 800, last: 30_000 } as const;
/** The jitter of the consistency checks of one resource in one life of a server: {@link reckonPeriod} draws the same. */
export function consistencyJitter(server: Random, startMs: number, resource: number): Random {
  return server.child(`checks ${startMs} ${resource}`);
}

const problem = { ok: false, failure: failure("the KMS did not answer") } as const;

/** One API server: the machines of harness/model, and the calls, lists and checks that they are fed with. */
export class SimulatedServer {
  /** When it was ready, since its start; undefined while it is not. */
  readyAfterMs: number | undefined;
  /** When all its watch caches were filled, since its start. */
  cachesAfterMs: number | undefined;
  /** Whether watch events reach it. */
  isListening = false;
  /** First lists that failed and had to begin anew. */
  relists = 0;
  /** Health probes, and whether each was well. */
  readonly probes: { readonly atMs: number; readonly isOk: boolean }[] = [];
  /** Called whenever it becomes ready. */
  onReady: () => void = () => {};
  readonly #surroundings: ServerSurroundings;
  /** Grows with every start; what belongs to an earlier life is forgotten. */
  #life = 0;
  #startMs = 0;
  #v2: KmsV2State | undefined;
  /** By the provider's name. */
  #v1 = new Map<string, KmsV1State>();
  #operations = new Map<number, Operation>();
  #lastOperation = 0;
  #listsLeft = 0;
  #isUp = false;
  #isHealthy = false;
  #isLoaded = false;
  #events: { readonly stored: Stored; readonly cause: Cause }[] = [];
  #decoding = 0;
  #seeds = 0;
  #isReloading = false;
  #onStarted: () => void = () => {};
  /** Grows with every load of the configuration: the polls of the one before end. */
  #providers = 0;

  constructor(surroundings: ServerSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Starts it anew, now. */
  start(): void {
    const { queue, fleet } = this.#surroundings;
    this.stop();
    this.#startMs = queue.nowMs;
    this.#isUp = true;
    this.#loadProviders(() => {
      const life = this.#life;
      this.#later(listStartMs(fleet), () => this.#startLists());
      this.#later(fleet.serverStart, () => {
        this.#isLoaded = true;
        this.#probe(life);
      });
    });
  }

  /** Stops it; what it had under way is lost. */
  stop(): void {
    this.#life++;
    this.#providers++;
    this.#isUp = false;
    this.#isHealthy = false;
    this.#isLoaded = false;
    this.isListening = false;
    this.readyAfterMs = undefined;
    this.cachesAfterMs = undefined;
    this.#operations.clear();
    this.#events = [];
    this.#decoding = 0;
  }

  get isReady(): boolean {
    return this.readyAfterMs !== undefined;
  }

  /**
   * Builds all providers anew, as a changed configuration does, and takes them when they have started (spec encryption-at-rest 4.4): caches are
   * empty then, and the watch cache stays.
   */
  reload(): void {
    if (!this.#isUp) return;
    this.#isReloading = true;
    this.#loadProviders(() => {
      this.#isReloading = false;
      if (this.#surroundings.fleet.kms === "v1") this.check("reload", () => {});
    });
  }

  /** Reads a stored value. */
  read(stored: Stored, cause: Cause, done: Done): void {
    const operation = this.#operation(cause, (_sealed, isOk) => done(isOk));
    if (this.#v2 !== undefined) {
      this.#stepV2(this.#v2, { kind: "read", operation, dekSource: stored.source, keyId: stored.keyId, sourceType: 1 });
    } else {
      this.#stepV1(this.#providerOf(stored.keyId), { kind: "read", operation, dekSource: stored.source });
    }
  }

  /** Seals a value; `done` gets what is stored then, or undefined where it failed. */
  write(cause: Cause, done: (sealed: Stored | undefined) => void): void {
    const operation = this.#operation(cause, done);
    if (this.#v2 !== undefined) this.#stepV2(this.#v2, { kind: "write", operation });
    else this.#stepV1(this.#providerOf(this.#surroundings.keyId()), { kind: "write", operation });
  }

  /** Asks a health endpoint. */
  check(cause: Cause, done: Done): void {
    const operation = this.#operation(cause, (_sealed, isOk) => done(isOk));
    if (this.#v2 !== undefined) this.#stepV2(this.#v2, { kind: "check", operation });
    else this.#stepV1(this.#providerOf(this.#surroundings.keyId()), { kind: "check", operation });
  }

  /** The watch cache gets an event of another's or its own write. */
  notify(stored: Stored, cause: Cause): void {
    if (!this.isListening) return;
    this.#events.push({ stored, cause });
    this.#decodeEvents();
  }

  #decodeEvents(): void {
    const life = this.#life;
    while (this.#decoding < this.#surroundings.behaviour.decoders) {
      const event = this.#events.shift();
      if (event === undefined) return;
      this.#decoding++;
      this.read(event.stored, event.cause, () => {
        if (life !== this.#life) return;
        this.#decoding--;
        this.#decodeEvents();
      });
    }
  }

  #loadProviders(done: () => void): void {
    if (this.#surroundings.fleet.kms === "v1") {
      this.#v1 = new Map();
      done();
      return;
    }
    this.#onStarted = done;
    this.#providers++;
    this.#stepV2(createKmsV2(this.#surroundings.name), { kind: "start" });
  }

  #providerOf(name: string): KmsV1State {
    const { fleet } = this.#surroundings;
    let state = this.#v1.get(name);
    if (state === undefined) {
      state = createKmsV1({ name, cacheSize: fleet.cachesize, timeoutMs: fleet.timeout });
      this.#v1.set(name, state);
    }
    return state;
  }

  /** Every resource has a watch cache of its own, and all fill at once. */
  #startLists(): void {
    this.isListening = true;
    const resources = this.#surroundings.resources();
    this.#listsLeft = resources.length;
    for (const [resource, stored] of resources.entries()) this.#startList(resource, [...stored], relistMs.first);
  }

  #startList(resource: number, stored: readonly Stored[], retryMs: number): void {
    const { behaviour, random } = this.#surroundings;
    const life = this.#life;
    const { list, effects } = startInitialList(stored.length, behaviour.decoders);
    let hasFailed = false;
    let isWorking = false;
    const pending = effects;
    // Reads that need no call end at once: a loop instead of a recursion as deep as the list is long.
    const work = () => {
      if (isWorking) return;
      isWorking = true;
      for (let effect = pending.shift(); effect !== undefined && !hasFailed; effect = pending.shift()) {
        if (effect.kind === "ready") {
          this.#finishList(resource);
          continue;
        }
        const object = stored[effect.index];
        if (object === undefined) throw new RangeError("The list reads beyond its end.");
        this.read(object, "start", (isOk) => {
          if (life !== this.#life || hasFailed) return;
          if (isOk) {
            pending.push(...stepInitialList(list));
            work();
            return;
          }
          hasFailed = true;
          this.relists++;
          this.#later(retryMs * (1 + random.fraction()), () =>
            this.#startList(resource, [...(this.#surroundings.resources()[resource] ?? [])], Math.min(2 * retryMs, relistMs.last)),
          );
        });
      }
      isWorking = false;
    };
    work();
  }

  #finishList(resource: number): void {
    this.#listsLeft--;
    this.#scheduleConsistencyCheck(resource, consistencyJitter(this.#surroundings.random, this.#startMs, resource));
    if (this.#listsLeft > 0) return;
    this.cachesAfterMs = this.#surroundings.queue.nowMs - this.#startMs;
    this.#becomeReady();
  }

  #scheduleConsistencyCheck(resource: number, jitter: Random): void {
    const delayMs = consistencyCheckDelayMs(this.#surroundings.behaviour.gates, jitter.fraction());
    if (delayMs === undefined) return;
    this.#later(delayMs, () => this.readAll(resource, "consistency check", () => this.#scheduleConsistencyCheck(resource, jitter)));
  }

  /** Reads all objects of a resource from the store, one after the other. */
  readAll(resource: number, cause: Cause, done: () => void): void {
    const life = this.#life;
    const stored = [...(this.#surroundings.resources()[resource] ?? [])];
    let next = 0;
    let isWorking = false;
    let isIdle = true;
    const work = () => {
      if (isWorking) return;
      isWorking = true;
      while (isIdle) {
        const object = stored[next++];
        if (object === undefined) {
          done();
          break;
        }
        isIdle = false;
        this.read(object, cause, () => {
          if (life !== this.#life) return;
          isIdle = true;
          work();
        });
      }
      isWorking = false;
    };
    work();
  }

  /** Probes of readyz, from the moment at which the server listens. */
  #probe(life: number): void {
    if (life !== this.#life) return;
    this.check("health probe", (isOk) => {
      if (life !== this.#life) return;
      this.#isHealthy = isOk;
      this.probes.push({ atMs: this.#surroundings.queue.nowMs, isOk });
      if (isOk) this.#becomeReady();
    });
    this.#later(this.#surroundings.fleet.healthInterval, () => this.#probe(life));
  }

  #becomeReady(): void {
    const { behaviour, queue } = this.#surroundings;
    const isFilled = !behaviour.readyWaitsForCaches || this.cachesAfterMs !== undefined;
    if (!this.#isHealthy || !this.#isLoaded || !isFilled || this.isReady) return;
    this.readyAfterMs = queue.nowMs - this.#startMs;
    this.onReady();
  }

  /** Runs it after so many milliseconds, unless the server was stopped meanwhile. */
  #later(ms: number, run: () => void): void {
    const life = this.#life;
    const { queue } = this.#surroundings;
    queue.at(queue.nowMs + ms, () => {
      if (life === this.#life) run();
    });
  }

  #operation(cause: Cause, done: Operation["done"]): number {
    const operation = ++this.#lastOperation;
    this.#operations.set(operation, { cause, done });
    return operation;
  }

  #finish(operation: number, sealed: Stored | undefined, isOk: boolean): void {
    const waiting = this.#operations.get(operation);
    this.#operations.delete(operation);
    waiting?.done(sealed, isOk);
  }

  #causeOf(operation: number): Cause {
    return this.#operations.get(operation)?.cause ?? "status poll";
  }

  #now(): Instant {
    const { nowMs } = this.#surroundings.queue;
    return { monotonicMs: nowMs, wallMs: nowMs };
  }

  #call(method: PlanMethod, cause: Cause, decrypts: string | undefined, deadlineMs: number, done: Done): void {
    const life = this.#life;
    const { kms, name } = this.#surroundings;
    kms.call({ method, cause, deadlineMs, decrypts: decrypts === undefined ? undefined : `${name}/${decrypts}` }, (isAnswered) => {
      if (life === this.#life) done(isAnswered);
    });
  }

  #newSource(): string {
    return `${this.#surroundings.name}-${++this.#seeds}`;
  }

  #stepV1(state: KmsV1State, event: KmsV1Event): void {
    for (const effect of stepKmsV1(state, event, this.#now())) this.#takeV1(state, effect);
  }

  #takeV1(state: KmsV1State, effect: KmsV1Effect): void {
    switch (effect.kind) {
      case "ask-version":
        this.#call("Version", this.#causeOf(effect.call.operation), undefined, effect.call.deadlineMs, (isAnswered) =>
          this.#stepV1(state, {
            kind: "version-answered",
            call: effect.call,
            outcome: isAnswered ? { ok: true, value: "v1beta1" } : problem,
          }),
        );
        break;
      case "call":
        this.#callV1(state, effect.call);
        break;
      case "seal":
        this.#finish(effect.operation, { source: effect.dekSource, keyId: state.name }, true);
        break;
      case "open":
        this.#finish(effect.operation, undefined, true);
        break;
      case "fail":
        this.#finish(effect.operation, undefined, false);
        break;
      case "checked":
        this.#finish(effect.operation, undefined, effect.failure === undefined);
    }
  }

  #callV1(state: KmsV1State, call: KmsV1Call): void {
    const decrypts = call.method === "Decrypt" && call.purpose === "work" ? call.dekSource : undefined;
    this.#call(call.method, this.#causeOf(call.operation), decrypts, call.deadlineMs, (isAnswered) => {
      const outcome: Outcome<string> = isAnswered ? { ok: true, value: call.method === "Encrypt" ? this.#newSource() : "" } : problem;
      this.#stepV1(state, { kind: "answered", call, outcome });
    });
  }

  #stepV2(state: KmsV2State, event: KmsV2Event): void {
    for (const effect of stepKmsV2(state, event, this.#now())) this.#takeV2(state, effect);
  }

  #takeV2(state: KmsV2State, effect: KmsV2Effect): void {
    const { fleet, queue } = this.#surroundings;
    const providers = this.#providers;
    const deadlineMs = queue.nowMs + fleet.timeout;
    const step = (event: KmsV2Event) => this.#stepV2(state, event);
    switch (effect.kind) {
      case "started":
        this.#v2 = state;
        this.#onStarted();
        break;
      case "wake":
        this.#later(effect.atMs - queue.nowMs, () => {
          if (providers === this.#providers) step({ kind: "woken", poll: effect.poll });
        });
        break;
      case "call-status": {
        const keyId = this.#surroundings.keyId();
        this.#call("Status", this.#causeOfCheck(state), undefined, deadlineMs, (isAnswered) =>
          step({ kind: "status-answered", outcome: isAnswered ? { ok: true, value: { version: "v2", healthz: "ok", keyId } } : problem }),
        );
        break;
      }
      case "call-encrypt": {
        const keyId = state.checking?.rotation?.keyId ?? this.#surroundings.keyId();
        const cause = state.active === undefined ? this.#causeOfCheck(state) : "rotation";
        this.#call("Encrypt", cause, undefined, deadlineMs, (isAnswered) => {
          const outcome = isAnswered ? ({ ok: true, value: { keyId, dekSource: this.#newSource() } } as const) : problem;
          step({ kind: "encrypt-answered", uid: "", outcome });
        });
        break;
      }
      case "call-decrypt":
        this.#call("Decrypt", this.#causeOf(effect.read.operation), effect.read.dekSource, deadlineMs, (isAnswered) =>
          step({ kind: "decrypt-answered", read: effect.read, outcome: isAnswered ? { ok: true, value: undefined } : problem }),
        );
        break;
      case "seal":
        this.#finish(effect.operation, { source: effect.seed.dekSource, keyId: effect.seed.keyId }, true);
        break;
      case "open":
        this.#finish(effect.operation, undefined, true);
        break;
      case "fail":
        this.#finish(effect.operation, undefined, false);
        break;
      case "checked":
        this.#finish(effect.operation, undefined, effect.failure === undefined);
    }
  }

  #causeOfCheck(state: KmsV2State): Cause {
    const requester = state.checking?.requester;
    if (requester?.kind === "start") return this.#isReloading ? "reload" : "start";
    return requester?.kind === "operation" ? this.#causeOf(requester.operation) : "status poll";
  }
}
