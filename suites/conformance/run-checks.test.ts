import { expect, it } from "vitest";
import type { CheckResult } from "../../harness/run/schema.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import { type Check, Findings, type Outcome, type SubjectBase } from "./check.ts";
import { type RunChecksOptions, runChecks } from "./run-checks.ts";

const subject: SubjectBase = { lacks: (need) => (need === "rotate" ? "Nothing rotates it." : undefined) };
const evidence = { sent: "Status", received: "nothing", expected: "an answer" };

function check(name: string, run: () => Promise<Outcome>, over: Partial<Check<SubjectBase>> = {}): Check<SubjectBase> {
  const facts = { title: "It holds.", level: "MUST", invariants: ["K2-09"], source: "KEP-3299", needs: [], remedy: "Mend it." } as const;
  return { id: `plugin/${name}`, ...facts, run, ...over };
}

const passes = async (): Promise<Outcome> => ({ verdict: "pass", evidence: [evidence] });

/** Runs checks and gives their results, and what was told in which order. */
async function outcomes(checks: readonly Check<SubjectBase>[], over: Partial<RunChecksOptions> = {}) {
  const told: string[] = [];
  const results: CheckResult[] = [];
  await runChecks(checks, subject, {
    clock: new VirtualClock(),
    signal: new AbortController().signal,
    skipped: new Map(),
    concurrency: 1,
    onStart: ({ id }) => told.push(`start ${id}`),
    onResult: (result) => {
      told.push(`end ${result.id}`);
      results.push(result);
    },
    ...over,
  });
  return { told, results };
}

it("gives a result with all that the check says of itself, and how long it took", async () => {
  const clock = new VirtualClock();
  const slow = check("slow", async () => {
    await clock.advance(250);
    return passes();
  });
  const { results } = await outcomes([slow], { clock });
  expect(results).toEqual([
    {
      ...{
        id: "plugin/slow",
        area: "plugin",
        title: "It holds.",
        level: "MUST",
        invariants: ["K2-09"],
        source: "KEP-3299",
        remedy: "Mend it.",
      },
      ...{ verdict: "pass", reason: null, evidence: [evidence], durationMs: 250 },
    },
  ]);
});

it("does not run what is skipped, nor say that it started", async () => {
  const { told, results } = await outcomes([check("a", () => Promise.reject(new Error("ran")))], {
    skipped: new Map([["plugin/a", "--skip plugin/a leaves it out."]]),
  });
  expect(told).toEqual(["end plugin/a"]);
  expect(results).toMatchObject([{ verdict: "skipped", reason: "--skip plugin/a leaves it out.", evidence: [] }]);
});

it("does not run what lacks something, and says what", async () => {
  const { results } = await outcomes([check("a", () => Promise.reject(new Error("ran")), { needs: ["kms-v2", "rotate"] })]);
  expect(results).toMatchObject([{ verdict: "not-applicable", reason: "Nothing rotates it." }]);
});

it("does not blame the subject for what a check throws", async () => {
  const { results } = await outcomes([check("a", () => Promise.reject(new Error("The disk is full."))), check("b", passes)]);
  expect(results).toMatchObject([
    { verdict: "inconclusive", reason: "The disk is full." },
    { verdict: "pass", reason: null },
  ]);
});

it("does not pass a check that found nothing out", async () => {
  const { results } = await outcomes([check("a", async () => new Findings().outcome())]);
  expect(results).toMatchObject([{ verdict: "inconclusive", reason: "Nothing was found out." }]);
});

it("runs as many at once as it is told", async () => {
  const gate = Promise.withResolvers<void>();
  const waits = async () => {
    await gate.promise;
    return passes();
  };
  const told: string[] = [];
  const done = outcomes([check("a", waits), check("b", waits), check("c", passes)], {
    concurrency: 2,
    onStart: ({ id }) => told.push(id),
  });
  await Promise.resolve();
  expect(told).toEqual(["plugin/a", "plugin/b"]);
  gate.resolve();
  const { results } = await done;
  expect(results.map(({ id }) => id).toSorted()).toEqual(["plugin/a", "plugin/b", "plugin/c"]);
});

it.each<[string, () => Promise<Outcome>]>([
  ["throws", () => Promise.reject(new Error("The connection was closed."))],
  ["fails", async () => ({ verdict: "fail", evidence: [evidence] })],
])("ends with the signal's reason, and does not blame the subject where a check that was interrupted %s", async (_, end) => {
  const controller = new AbortController();
  const interrupted = check("a", () => {
    controller.abort(new Error("Interrupted."));
    return end();
  });
  const told: string[] = [];
  const running = outcomes([interrupted, check("b", passes)], { signal: controller.signal, onResult: ({ id }) => told.push(id) });
  await expect(running).rejects.toThrow("Interrupted.");
  expect(told).toEqual([]);
});

it("tells nothing any more once a result could not be written down", async () => {
  const gate = Promise.withResolvers<void>();
  const late = check("late", async () => {
    await gate.promise;
    return passes();
  });
  const told: string[] = [];
  const running = outcomes([late, check("a", passes), check("b", passes)], {
    concurrency: 2,
    onResult({ id }) {
      told.push(id);
      throw new Error("The disk is full.");
    },
  });
  await expect(running).rejects.toThrow("The disk is full.");
  gate.resolve();
  await new Promise(setImmediate);
  expect(told).toEqual(["plugin/a"]);
});
