import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { TargetError } from "../../harness/errors.ts";
import { Display } from "../../harness/run/display.ts";
import { Journal } from "../../harness/run/journal.ts";
import { machineFacts } from "../../harness/run/machine.ts";
import { StepProgress } from "../../harness/run/step-progress.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { runSteps } from "./run-steps.ts";
import { type Outcome, refused, type Step, verified } from "./step.ts";

function step(id: string, run: () => Promise<Outcome>, more: Pick<Step<null>, "isAlways"> = {}): Step<null> {
  return { id, part: "Part", title: `Title of ${id}`, says: "", run, ...more };
}

async function outcomeOf(steps: readonly Step<null>[]) {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-steps-"));
  const clock = new VirtualClock();
  const header = {
    ...{ runId: "r", command: "ack", arguments: [], startedAt: "2026-01-01T00:00:00.000Z", seed: "s", strict: false, kmsmark: "0" },
    ...{ machine: machineFacts(), target: null, plugin: null, clock: { resolutionNs: 1 }, notes: [] },
  };
  using journal = new Journal(folder.path, header, clock);
  const stream = new PassThrough();
  using progress = new StepProgress(new Display({ stream, mode: "lines", clock }));
  await runSteps(steps, null, { journal, progress, signal: new AbortController().signal });
  stream.end();
  return { steps: journal.result().steps, text: (await stream.toArray()).join("") };
}

describe("runSteps", () => {
  it("skips what stands behind a step that does not hold, but for what only looks", async () => {
    const { steps, text } = await outcomeOf([
      step("a", async () => verified("seen")),
      step("b", async () => refused("No.", "Do this.")),
      step("c", async () => verified()),
      step("d", async () => verified(), { isAlways: true }),
    ]);
    expect(steps.map(({ id, verdict, reason }) => [id, verdict, reason])).toEqual([
      ["a", "verified", null],
      ["b", "refused", "No."],
      ["c", "skipped", "The step b does not hold."],
      ["d", "verified", null],
    ]);
    expect(text.split("\n")).toEqual([
      "Part",
      "  [1/4] verified: Title of a (0.0 s)",
      "  [2/4] refused: Title of b (0.0 s)",
      "    No.",
      "    To do: Do this.",
      "  [3/4] skipped: Title of c",
      "  [4/4] verified: Title of d (0.0 s)",
      "",
    ]);
  });

  it("takes a fault that is foreseen for what the step found, with its hint", async () => {
    const { steps } = await outcomeOf([step("a", () => Promise.reject(new TargetError("x", "It went away.", { hint: "Look." })))]);
    expect(steps).toMatchObject([{ verdict: "failed", reason: "It went away.", remedy: "Look." }]);
  });

  it("throws on what nobody foresees", async () => {
    await expect(outcomeOf([step("a", () => Promise.reject(new TypeError("defect")))])).rejects.toThrow("defect");
  });
});
