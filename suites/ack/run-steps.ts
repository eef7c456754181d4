import { KmsmarkError } from "../../harness/errors.ts";
import type { Journal } from "../../harness/run/journal.ts";
import type { StepResult } from "../../harness/run/schema.ts";
import type { StepProgress } from "../../harness/run/step-progress.ts";
import { failed, type Outcome, type Step } from "./step.ts";

export interface StepsRun {
  readonly journal: Journal;
  readonly progress: StepProgress;
  readonly signal: AbortSignal;
  /** Whether a fault that kmsmark foresees is what the step found; all are by default. Others are thrown on: nothing could be found out. */
  readonly isFinding?: (fault: KmsmarkError) => boolean;
}

/**
 * Takes the steps one after the other and writes down how each ended. Behind one that does not hold the others are skipped, but for those that
 * only look. What no step foresees is thrown.
 */
export async function runSteps<Stage>(steps: readonly Step<Stage>[], stage: Stage, run: StepsRun): Promise<void> {
  const { journal, progress, signal, isFinding = () => true } = run;
  progress.expect(steps.length);
  let broken: string | undefined;
  for (const step of steps) {
    const { id, part, title, says } = step;
    const startMs = journal.nowMs();
    const end = (outcome: Omit<StepResult, "id" | "part" | "title" | "says" | "startMs" | "durationMs">) => {
      const result = { id, part, title, says, ...outcome, startMs, durationMs: journal.nowMs() - startMs };
      journal.append({ event: "step", result });
      progress.end(result);
    };
    if (broken !== undefined && step.isAlways !== true) {
      end({ verdict: "skipped", reason: `The step ${broken} does not hold.`, remedy: null, evidence: [] });
      continue;
    }
    signal.throwIfAborted();
    journal.append({ event: "step-started", id });
    progress.start({ id, part, title });
    const outcome = await outcomeOf(step, stage, { signal, isFinding });
    if (outcome.verdict !== "verified") broken ??= id;
    end({ ...outcome, evidence: [...outcome.evidence] });
  }
}

/** A fault that kmsmark foresees is what the step found; it is told in its own words. */
async function outcomeOf<Stage>(
  step: Step<Stage>,
  stage: Stage,
  { signal, isFinding }: Required<Pick<StepsRun, "signal" | "isFinding">>,
): Promise<Outcome> {
  try {
    return await step.run(stage);
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof KmsmarkError) || !isFinding(thrown)) throw thrown;
    return failed(thrown.message, thrown.hint ?? null);
  }
}
