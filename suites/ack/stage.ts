import { z } from "zod";
import type { Clock } from "../../harness/clock.ts";
import { TargetError } from "../../harness/errors.ts";
import { type Population, population } from "../../harness/load/population.ts";
import type { StepProgress } from "../../harness/run/step-progress.ts";
import { AckCalls, type CloudClient, type ClusterFacts, KmsCalls } from "./cloud-calls.ts";
import type { ClusterPlane, ClusterPlanes } from "./cluster-planes.ts";
import { Trail } from "./trail.ts";

/** What a run lacks on purpose, to see what the procedure does then. */
export const lacks = ["role", "policy"] as const;
export type Lack = (typeof lacks)[number];
export const badKeys = ["missing", "disabled", "wrong-spec"] as const;
export type BadKey = (typeof badKeys)[number];

export interface AckRunOptions {
  readonly lack: Lack | undefined;
  readonly badKey: BadKey | undefined;
  /** Whether the role is authorised where it is not yet. */
  readonly isAuthorizing: boolean;
  /** How many Secrets the existing cluster has. */
  readonly secrets: number;
  readonly seed: string;
}

/** One principal's clients. */
export interface Account {
  readonly ack: AckCalls;
  readonly kms: KmsCalls;
  readonly ram: CloudClient;
  readonly trail: Trail;
}

/** The cloud that a run has to itself. */
export interface RunCloud {
  readonly region: string;
  /** For how long no second change of a cluster's encryption is accepted. */
  readonly kmsChangePauseMs: number;
  /** As its own automatic rotation would at its time. */
  rotateKey(keyId: string): Promise<void>;
  clientOf(product: ProductName, key: AccessKey): CloudClient;
}

export type ProductName = "kms" | "ack" | "ram" | "trail";

export interface AccessKey {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

export interface StageParts {
  readonly options: AckRunOptions;
  readonly cloud: RunCloud;
  readonly planes: ClusterPlanes;
  /** The account's own. */
  readonly rootKey: AccessKey;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: StepProgress;
}

const userSchema = z.object({ User: z.object({ UserId: z.string() }) });
const accessKeySchema = z.object({ AccessKey: z.object({ AccessKeyId: z.string(), AccessKeySecret: z.string() }) });

/** How often a cluster is asked for its state. ACK's own clients ask every few seconds; the emulated one is asked so that no state is missed. */
const statePollMs = 25;
const stateMsMax = 120_000;
/** The Secrets that a new cluster gets while it is bootstrapped. */
export const bootstrapSecrets = 50;

/** What the steps of a run work on, and what they leave to one another. */
export class Stage {
  readonly parts: StageParts;
  readonly root: Account;
  /** The RAM user who carries the procedure out. */
  #operator: (Account & { readonly userId: string }) | undefined;
  #keyId: string | undefined;
  #clusterId: string | undefined;
  /** When encryption was turned on for the first time. */
  changedMs: number | undefined;
  readonly #populations = new Map<string, Population>();
  /** Every key that a cluster was given, for the verification. */
  readonly usedKeys = new Set<string>();
  readonly startedMs: number;

  constructor(parts: StageParts) {
    this.parts = parts;
    this.root = this.accountOf(parts.rootKey);
    this.startedMs = parts.clock.wallMs();
  }

  get signal(): AbortSignal {
    return this.parts.signal;
  }

  get operator(): Account & { readonly userId: string } {
    return present(this.#operator, "RAM user");
  }

  get keyId(): string {
    return present(this.#keyId, "key");
  }

  set keyId(keyId: string) {
    this.#keyId = keyId;
  }

  get clusterId(): string {
    return present(this.#clusterId, "cluster");
  }

  set clusterId(clusterId: string) {
    this.#clusterId = clusterId;
  }

  get hasCluster(): boolean {
    return this.#clusterId !== undefined;
  }

  get cluster(): ClusterPlane {
    return this.parts.planes.of(this.clusterId);
  }

  accountOf(key: AccessKey): Account {
    const { cloud, signal, clock } = this.parts;
    return {
      ack: new AckCalls(cloud.clientOf("ack", key), signal),
      kms: new KmsCalls(cloud.clientOf("kms", key), signal),
      ram: cloud.clientOf("ram", key),
      trail: new Trail({ client: cloud.clientOf("trail", key), clock, signal }),
    };
  }

  /** Creates a RAM user with these system policies and an access key. */
  async createUser(name: string, policies: readonly string[]): Promise<Account & { readonly userId: string }> {
    const { ram } = this.root;
    const call = { signal: this.signal };
    const { User } = await ram.rpc("CreateUser", { UserName: name }, userSchema, call);
    for (const policy of policies) await this.attach(name, policy);
    const { AccessKey } = await ram.rpc("CreateAccessKey", { UserName: name }, accessKeySchema, call);
    const key = { accessKeyId: AccessKey.AccessKeyId, accessKeySecret: AccessKey.AccessKeySecret };
    return { ...this.accountOf(key), userId: User.UserId };
  }

  async createOperator(policies: readonly string[]): Promise<string> {
    const name = "ack-operator";
    this.#operator = await this.createUser(name, policies);
    return name;
  }

  async attach(userName: string, policy: string): Promise<void> {
    const parameters = { UserName: userName, PolicyType: "System", PolicyName: policy };
    await this.root.ram.rpc("AttachPolicyToUser", parameters, z.unknown(), { signal: this.signal });
  }

  secretsOf(name: "bootstrap" | "existing"): Population {
    const { seed, secrets } = this.parts.options;
    const found =
      this.#populations.get(name) ?? population({ secrets: name === "bootstrap" ? bootstrapSecrets : secrets, seed: `${seed}-${name}` });
    this.#populations.set(name, found);
    return found;
  }

  /** Watches a cluster until it is running again. Gives every state that it was seen in, one behind the other. */
  async watchUntilRunning(first: readonly string[] = []): Promise<{ readonly states: readonly string[]; readonly facts: ClusterFacts }> {
    const { clock, progress, planes } = this.parts;
    const states = [...first];
    const giveUpMs = clock.monotonicMs() + stateMsMax;
    for (;;) {
      const facts = await this.operator.ack.describe(this.clusterId);
      if (states.at(-1) !== facts.state) states.push(facts.state);
      progress.detail(`the cluster is ${facts.state}`);
      if (facts.state === "running" && states.length > 1) return { states, facts };
      if (facts.state === "failed") throw new TargetError("cluster-failed", `The cluster has failed: ${planes.fault ?? "nobody said why"}`);
      if (clock.monotonicMs() > giveUpMs)
        throw new TargetError("cluster-slow", `The cluster is ${facts.state} after ${stateMsMax / 1000} s.`);
      await clock.sleep(statePollMs, this.signal);
    }
  }

  /** Waits until the encryption of a cluster may be changed again. */
  async pause(): Promise<void> {
    await this.parts.clock.sleep(this.parts.cloud.kmsChangePauseMs + 50, this.signal);
  }

  /** For `encryption-key-rotation-time`, as `date -u +"%Y-%m-%dT%TZ"` writes it. */
  time(): string {
    return `${new Date(this.parts.clock.wallMs()).toISOString().slice(0, 19)}Z`;
  }
}

function present<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`A step needs a ${what} that no step before it has made.`);
  return value;
}
