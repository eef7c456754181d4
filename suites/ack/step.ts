import type { StepVerdict } from "../../harness/run/schema.ts";

/** What a step found. Evidence is in sentences and never holds a plaintext, a DEK or a credential. */
export interface Outcome {
  readonly verdict: Exclude<StepVerdict, "skipped">;
  /** Why it is not verified; null where it is. */
  readonly reason: string | null;
  readonly remedy: string | null;
  readonly evidence: readonly string[];
}

/** A step as data. What it runs on is handed in, so that the list can be shown without anything being there. */
export interface Step<Stage> {
  /** `existing/migrate`; never changes. */
  readonly id: string;
  /** The heading under which it stands. */
  readonly part: string;
  readonly title: string;
  /** What the page of ACK says of it (spec alibaba-cloud 0.1, 2.3, 4.3, 6). */
  readonly says: string;
  /** Taken also where a step before it did not hold: it only looks. */
  readonly isAlways?: true;
  /** Rejects with a StepFault or another KmsmarkError where it does not hold. */
  run(stage: Stage): Promise<Outcome>;
}

export function verified(...evidence: readonly string[]): Outcome {
  return { verdict: "verified", reason: null, remedy: null, evidence };
}

/** The cloud refuses to go on, and the reader can change that. */
export function refused(reason: string, remedy: string, ...evidence: readonly string[]): Outcome {
  return { verdict: "refused", reason, remedy, evidence };
}

export function failed(reason: string, remedy: string | null, ...evidence: readonly string[]): Outcome {
  return { verdict: "failed", reason, remedy, evidence };
}
