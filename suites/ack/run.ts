import type { Clock } from "../../harness/clock.ts";
import { UsageError } from "../../harness/errors.ts";
import type { Lease } from "../../harness/lease.ts";
import type { Journal } from "../../harness/run/journal.ts";
import type { StepProgress } from "../../harness/run/step-progress.ts";
import type { Target } from "../../harness/target/target.ts";
import { ack } from "../../plugins/emulators/alibaba/ack.ts";
import { startAlibabaCloud } from "../../plugins/emulators/alibaba/index.ts";
import { Clients } from "./account-clients.ts";
import { ClusterPlanes } from "./cluster-planes.ts";
import { runSteps } from "./run-steps.ts";
import { type AccessKey, type AckRunOptions, type RunCloud, Stage } from "./stage.ts";
import { existingCluster, newCluster } from "./steps-clusters.ts";
import { outage } from "./steps-outage.ts";
import { prerequisites } from "./steps-prerequisites.ts";
import { rotation } from "./steps-rotation.ts";
import { verification } from "./steps-verification.ts";
import { eventOf } from "./trail.ts";

/** The whole procedure, in the page's order. */
export const procedure = [...prerequisites, ...newCluster, ...existingCluster, ...rotation, ...outage, ...verification];

export interface AckWorld {
  readonly target: Target;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly journal: Journal;
  readonly progress: StepProgress;
}

/** What tests put in the place of the cloud and its clusters, to see steps fail. */
export interface ReplacedParts {
  readonly planes?: (world: AckWorld) => ClusterPlanes;
  readonly cloud?: (cloud: RunCloud) => RunCloud;
  /** Ids of the steps to take; all by default. */
  readonly steps?: readonly string[];
}

/** How soon the emulated trail shows an event; the real one takes up to ten minutes (spec alibaba-cloud 4.1). */
const eventDelayMs = 1000;
/** Instead of five minutes; the refusal within it is one of the steps. */
const pauseMs = 2000;
const secretsMax = 5000;

/** @throws UsageError `bad-ack-options` */
export function requireAckOptions(options: AckRunOptions): AckRunOptions {
  const { secrets } = options;
  if (Number.isSafeInteger(secrets) && secrets >= 50 && secrets <= secretsMax) return options;
  throw new UsageError("bad-ack-options", `--secrets takes a whole number from 50 to ${secretsMax}.`);
}

/**
 * Carries the procedure out in an emulated cloud of its own, on control planes of the target, and writes down how each step ended and every KMS
 * event that the trail shows.
 */
export async function runProcedure(options: AckRunOptions, world: AckWorld, replaced: ReplacedParts = {}): Promise<void> {
  const { clock, signal, progress, journal } = world;
  await using held = new AsyncDisposableStack();
  const planes = replaced.planes?.(world) ?? new ClusterPlanes(world);
  const cloud = held.use(
    await startAlibabaCloud({ eventDelayMs, clock, services: [ack({ driver: () => planes, kmsChangePauseMs: pauseMs })] }),
  );
  const clients = held.use(new Clients(clock));
  const endpoint = new URL(cloud.url);
  const runCloud: RunCloud = {
    region: cloud.region,
    kmsChangePauseMs: pauseMs,
    rotateKey: async (keyId) => void cloud.admin.rotateKey(keyId),
    clientOf: (product, key) => clients.open(product, endpoint, fixed(key)),
  };
  progress.say(`Emulated cloud: ${cloud.url}, account ${cloud.accountId}, region ${cloud.region}.`);
  const stage = new Stage({ options, cloud: replaced.cloud?.(runCloud) ?? runCloud, planes, rootKey: cloud.root, clock, signal, progress });
  const wanted = procedure.filter(({ id }) => replaced.steps?.includes(id) ?? true);
  await runSteps(wanted, stage, { journal, progress, signal });
  // Those of the last moment show only after their delay.
  await clock.sleep(eventDelayMs, signal);
  journal.append({ event: "kms-events", events: (await stage.root.trail.since(stage.startedMs - 1000)).map(eventOf) });
}

function fixed(key: AccessKey) {
  return { current: async () => key, renewed: async () => undefined };
}
