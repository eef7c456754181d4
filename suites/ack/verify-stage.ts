import type { Clock } from "../../harness/clock.ts";
import type { StepProgress } from "../../harness/run/step-progress.ts";
import type { ApiAccess } from "../../harness/target/target.ts";
import type { AckCalls, KmsCalls } from "./cloud-calls.ts";
import type { Trail, TrailRecord } from "./trail.ts";

export interface VerifyOptions {
  readonly clusterId: string;
  readonly region: string;
  /** How long to wait for the events, milliseconds. */
  readonly deadlineMs: number;
  /** How far back to look for them, milliseconds. */
  readonly lookBackMs: number;
}

/** What the steps of a verification look at, and what they leave to one another. */
export interface VerifyStage {
  readonly options: VerifyOptions;
  readonly ack: AckCalls;
  readonly kms: KmsCalls;
  readonly trail: Trail;
  /** Where a test Secret is made; undefined where none was asked for. */
  readonly testSecret: { readonly access: ApiAccess; readonly namespace: string } | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: StepProgress;
  keyId: string | undefined;
  /** From when on events count. */
  sinceMs: number;
  /** What the last look at the trail found. */
  records: readonly TrailRecord[];
}
