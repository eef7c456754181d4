import { Random } from "../random.ts";
import { type Behaviour, behaviourOf } from "./behaviour.ts";
import { EventQueue } from "./event-queue.ts";
import { type Fleet, resourceSizes } from "./fleet.ts";
import { type Cause, Ledger } from "./ledger.ts";
import { ModelledKms } from "./modelled-kms.ts";
import { rolloutPhases, rotationSteps } from "./schedule.ts";
import { SimulatedServer, type Stored } from "./simulated-server.ts";

/** What a simulation is of. */
export interface SimulationOptions {
  readonly fleet: Fleet;
  readonly seed: string;
  readonly outage?: { readonly fromMs: number; readonly toMs: number };
}

/** When something was done and how it ended. */
export interface Timed {
  readonly dueMs: number;
  readonly tookMs: number;
  readonly isOk: boolean;
}

/** A fleet whose every KMS call is an event: `harness/model` under a virtual clock. Small fleets and short times only. */
export class Simulation {
  readonly queue = new EventQueue();
  readonly ledger = new Ledger();
  readonly kms: ModelledKms;
  readonly clusters: SimulatedCluster[];

  constructor({ fleet, seed, outage }: SimulationOptions) {
    const random = new Random(seed);
    this.kms = new ModelledKms(this.queue, { fleet, random: random.child("kms"), ledger: this.ledger, outage });
    this.clusters = Array.from(
      { length: fleet.clusters },
      (_, index) => new SimulatedCluster(index, { fleet, random: random.child(`cluster ${index}`), queue: this.queue, kms: this.kms }),
    );
  }

  get servers(): SimulatedServer[] {
    return this.clusters.flatMap(({ servers }) => servers);
  }

  /** Plays the whole period: starts, rollouts, load, rotations with their migrations. */
  playPeriod(): void {
    for (const cluster of this.clusters) cluster.schedulePeriod();
    const { period } = this.clusters[0]?.fleet ?? { period: 0 };
    this.queue.run(period);
  }
}

/** One cluster: what is stored, its API servers, and who reads and writes. */
export class SimulatedCluster {
  readonly fleet: Fleet;
  readonly servers: SimulatedServer[];
  readonly writes: Timed[] = [];
  readonly readsDone: Timed[] = [];
  readonly #index: number;
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #behaviour: Behaviour;
  readonly #resources: Stored[][];
  #key = 0;

  constructor(
    index: number,
    options: { readonly fleet: Fleet; readonly random: Random; readonly queue: EventQueue; readonly kms: ModelledKms },
  ) {
    const { fleet, random, queue, kms } = options;
    this.fleet = fleet;
    this.#index = index;
    this.#queue = queue;
    this.#random = random;
    this.#behaviour = behaviourOf(fleet.kubernetes);
    this.#resources = storedAtFirst(fleet);
    this.servers = Array.from({ length: fleet.apiServers }, (_, at) => {
      const name = `${index}.${at}`;
      const surroundings = { fleet, behaviour: this.#behaviour, queue, kms, random: random.child(name), name };
      return new SimulatedServer({ ...surroundings, keyId: () => keyName(this.#key), resources: () => this.#resources });
    });
  }

  schedulePeriod(): void {
    const { fleet } = this;
    for (const phase of rolloutPhases(fleet, this.#index)) {
      this.#startAll(phase);
    }
    this.scheduleLoad();
    for (const step of rotationSteps(fleet, this.#index)) {
      if (step.kind === "new-key") this.#at(step.atMs, () => this.rotate());
      else if (step.kind === "restart") {
        this.#startAll(step.atMs);
      } else if (step.kind === "reload") {
        this.#at(step.atMs, () => {
          for (const server of this.servers) server.reload();
        });
      } else this.migrate(step.atMs);
    }
  }

  #startAll(fromMs: number): void {
    for (const [at, server] of this.servers.entries()) this.#at(fromMs + at * this.fleet.rolloutGap, () => server.start());
  }

  /** Spreads reads, writes and lists evenly over the time and the servers. */
  scheduleLoad(): void {
    const { reads, writes, lists } = this.fleet;
    this.#every(writes, (count) => this.write(count % (this.#resources[0]?.length ?? 1), "write", count));
    this.#every(reads, (count) => this.#readAny(count));
    if (!this.#behaviour.listsFromCache) this.#every(lists, (count) => this.#readyServer(count)?.readAll(0, "cold read", () => {}));
  }

  /** From now on the plugins name another key; of KMS v1 another provider writes. */
  rotate(): void {
    this.#key++;
  }

  /** Rewrites every stale object from then on, one after the other, as fast as the migration goes. */
  migrate(atMs: number): void {
    const stepMs = 1000 / this.fleet.migrationRate;
    const size = this.#resources[0]?.length ?? 0;
    const next = (index: number) => {
      if (index >= size) return;
      this.#migrateOne(index);
      this.#at(atMs + (index + 1) * stepMs, () => next(index + 1));
    };
    this.#at(atMs, () => next(0));
  }

  /** One write of a Secret by one of the servers that are ready. */
  write(index: number, cause: Cause, turn: number): void {
    const dueMs = this.#queue.nowMs;
    const server = this.#readyServer(turn);
    if (server === undefined) {
      this.writes.push({ dueMs, tookMs: 0, isOk: false });
      return;
    }
    server.write(cause, (sealed) => {
      this.writes.push({ dueMs, tookMs: this.#queue.nowMs - dueMs, isOk: sealed !== undefined });
      if (sealed !== undefined) this.#store(index, sealed, cause);
    });
  }

  /** A no-op update reads the stored value again, and writes it anew where it is stale (spec encryption-at-rest 6.3). */
  #migrateOne(index: number): void {
    const stored = this.#resources[0]?.[index];
    if (stored === undefined || stored.keyId === keyName(this.#key)) return;
    this.#readyServer(index)?.read(stored, "migration", (isOk) => {
      if (isOk) this.write(index, "migration", index);
    });
  }

  #store(index: number, sealed: Stored, cause: Cause): void {
    const secrets = this.#resources[0];
    if (secrets !== undefined) secrets[index] = sealed;
    for (const server of this.servers) server.notify(sealed, cause === "migration" ? "migration" : "watch event");
  }

  #readAny(turn: number): void {
    const stored = this.#resources[0]?.[this.#random.below(this.#resources[0].length)];
    const dueMs = this.#queue.nowMs;
    if (stored === undefined) return;
    this.#readyServer(turn)?.read(stored, "cold read", (isOk) => {
      this.readsDone.push({ dueMs, tookMs: this.#queue.nowMs - dueMs, isOk });
    });
  }

  /** The servers take turns; one that is not ready is passed over. */
  #readyServer(turn: number): SimulatedServer | undefined {
    for (let at = 0; at < this.servers.length; at++) {
      const server = this.servers[(turn + at) % this.servers.length];
      if (server?.isReady === true) return server;
    }
    return undefined;
  }

  #every(perSecond: number, act: (count: number) => void): void {
    if (perSecond === 0) return;
    const stepMs = 1000 / perSecond;
    const next = (count: number) => {
      act(count);
      this.#at((count + 1.5) * stepMs, () => next(count + 1));
    };
    this.#at(stepMs / 2, () => next(0));
  }

  #at(atMs: number, run: () => void): void {
    this.#queue.at(atMs, run);
  }
}

/** The name of a key, or of KMS v1's provider. */
function keyName(key: number): string {
  return `key-${key}`;
}

/** KMS v1 has an encrypted DEK for every object; with v2 some seeds take turns, in every resource the same ones. */
function storedAtFirst(fleet: Fleet): Stored[][] {
  const sources = fleet.dekSources ?? fleet.apiServers;
  return resourceSizes(fleet).map((size, resource) =>
    Array.from({ length: size }, (_, index) => ({
      source: fleet.kms === "v1" ? `${resource}/${index}` : `seed-${index % sources}`,
      keyId: keyName(0),
    })),
  );
}
