import { describe, expect, it } from "vitest";
import { readRun } from "./read-run.ts";
import type { BenchProvider, Cell, CheckLevel, CheckResult, CheckVerdict, Phase, PhaseName, Result } from "./schema.ts";
import { checkTally, verdicts } from "./verdict.ts";

const complete = await readRun("reports/fixtures/complete");
const good: Result = { ...complete, cells: complete.cells.filter(({ secrets }) => secrets === 50) };

/** The good run with one cell changed. */
function withCell(provider: BenchProvider, change: (cell: Cell) => Partial<Cell>): Result {
  return { ...good, cells: good.cells.map((cell) => (cell.provider === provider ? { ...cell, ...change(cell) } : cell)) };
}

/** The good run with one phase of one cell changed. */
function withPhase(provider: BenchProvider, name: PhaseName, change: (phase: Phase) => Partial<Phase>): Result {
  return withCell(provider, ({ phases }) => ({
    phases: phases.map((phase) => (phase.name === name ? { ...phase, ...change(phase) } : phase)),
  }));
}

const texts = (result: Result) => verdicts(result).sentences.map(({ text }) => text);
const faults = (result: Result) =>
  verdicts(result)
    .sentences.filter(({ isFault }) => isFault)
    .map(({ text }) => text);

it("says what a good run showed", () => {
  expect(verdicts(good)).toEqual({
    exitCode: 0,
    sentences: [
      { text: "150 of 150 envelopes conform.", isFault: false },
      {
        text: "kms-v2, 50 secrets: a restart cost no Decrypt call, and the 50 first reads after it 1 Decrypt call; 50 writes cost no Encrypt call.",
        isFault: false,
      },
      {
        text: "kms-v1, 50 secrets: a restart cost no Decrypt call, and the 50 first reads after it 50 Decrypt calls; 50 writes cost 50 Encrypt calls.",
        isFault: false,
      },
      { text: "The tap and kube-apiserver agree on all 36 counts that both made.", isFault: false },
    ],
  });
});

it("does not take a model for kube-apiserver", async () => {
  expect(texts(await readRun("reports/fixtures/embedded"))).toContain("The tap and the model agree on all 18 counts that both made.");
});

describe("exit code 1", () => {
  const envelopes = { total: 50, right: 50, wrong: [], plaintextBytes: 1000, storedBytes: 1200 };
  it.each<[string, Result, string]>([
    [
      "a count that the model predicts to the number",
      withPhase("kms-v2", "cold", () => ({ predictions: [{ what: "Decrypt calls", seen: 2, least: 1, most: 1 }] })),
      "kms-v2, 50 secrets: The model predicts something else in the phase cold: Decrypt calls, 2 seen, 1 predicted.",
    ],
    [
      "a count outside of the range that the model predicts",
      withPhase("kms-v1", "cold", () => ({ predictions: [{ what: "Decrypt calls", seen: 0, least: 1, most: 10 }] })),
      "kms-v1, 50 secrets: The model predicts something else in the phase cold: Decrypt calls, 0 seen, 1 to 10 predicted.",
    ],
    [
      "a wrong envelope",
      withCell("kms-v2", () => ({
        envelopes: { ...envelopes, right: 49, wrong: [{ key: "/registry/secrets/a/b", reason: "The AEAD does not open." }] },
      })),
      "kms-v2, 50 secrets: 1 of 50 envelopes are wrong. The first is /registry/secrets/a/b: The AEAD does not open.",
    ],
    [
      "an envelope that is not right, without a reason",
      withCell("identity", () => ({ envelopes: { ...envelopes, right: 48 } })),
      "identity, 50 secrets: 2 of 50 envelopes are wrong.",
    ],
    [
      "an envelope check of nothing",
      withCell("identity", () => ({ envelopes: { ...envelopes, total: 0, right: 0 } })),
      "identity, 50 secrets: No envelope was there to check.",
    ],
    [
      "a count that differs",
      withPhase("kms-v1", "cold", () => ({ agreements: [{ what: "Decrypt calls", tap: 50, server: 49 }] })),
      "kms-v1, 50 secrets: The counts do not agree in the phase cold: Decrypt calls, 50 at the tap, 49 at the API server.",
    ],
    [
      "a tap whose counts were compared with nothing",
      withCell("kms-v2", ({ phases }) => ({ phases: phases.map((phase) => ({ ...phase, agreements: [] })) })),
      "kms-v2, 50 secrets: No count of the tap was compared with the API server's own.",
    ],
    [
      "a failed request",
      withPhase("identity", "read", ({ requests }) => ({
        requests: { ...requests, ok: 49, failed: 1 },
        failures: [{ status: 503, message: "The server is busy.", count: 1 }],
      })),
      "identity, 50 secrets: 1 of 50 requests of the phase read failed. Most often: 503 The server is busy.",
    ],
    [
      "a cell that ended early",
      withCell("kms-v1", () => ({ fault: "The plugin went away." })),
      "kms-v1, 50 secrets: The plugin went away.",
    ],
    ["a cell without a phase", withCell("identity", () => ({ phases: [] })), "identity, 50 secrets: Nothing was measured."],
    ["a run without a cell", { ...good, cells: [] }, "Nothing was measured."],
    ["a run that was interrupted", { ...good, status: "interrupted", fault: null }, "The run is interrupted."],
    ["a run that failed", { ...good, status: "failed", fault: "etcd does not come up." }, "etcd does not come up."],
  ])("is for %s", (_, result, sentence) => {
    expect(verdicts(result).exitCode).toBe(1);
    expect(faults(result)).toEqual([sentence]);
  });
});

it("says what the model predicted rightly, and nothing of it where something was wrong", () => {
  const right = [
    { what: "Encrypt calls", seen: 1, least: 1, most: 1 },
    { what: "Decrypt calls", seen: 10, least: 1, most: 10 },
  ];
  const sentence = "What was counted is what the model predicts: 1 exactly, 1 within its range.";
  const wrong = { what: "Decrypt calls", seen: 11, least: 1, most: 10 };
  expect(texts(withPhase("kms-v2", "cold", () => ({ predictions: right })))).toContain(sentence);
  const others = texts(withPhase("kms-v2", "cold", () => ({ predictions: [...right, wrong] })));
  expect(others.filter((text) => text.startsWith("What was counted"))).toEqual([]);
});

it("takes failures for no fault where a phase is there to measure them", () => {
  const requests = { due: 50, ok: 48, failed: 2, dropped: 0 };
  expect(faults(withPhase("kms-v2", "cold", () => ({ requests })))).toHaveLength(1);
  expect(faults(withPhase("kms-v2", "cold", () => ({ requests, expectsFailures: true })))).toEqual([]);
});

it("does not say that counts agree where one does not", () => {
  const result = withPhase("kms-v2", "cold", () => ({ agreements: [{ what: "Decrypt calls", tap: 1, server: 2 }] }));
  expect(texts(result).filter((text) => text.includes("agree on"))).toEqual([]);
});

it("does not count KMS v1's health probes as work", () => {
  const result = withPhase("kms-v1", "write", () => ({ kms: { Encrypt: { calls: 52, failed: 0, probes: 2, latency: null } } }));
  expect(texts(result)).toContain(
    "kms-v1, 50 secrets: a restart cost no Decrypt call, and the 50 first reads after it 50 Decrypt calls; 50 writes cost 50 Encrypt calls.",
  );
});

describe("the Decrypt calls that a restart costs", () => {
  const decrypts = (calls: number): Pick<Phase, "kms"> => ({ kms: { Decrypt: { calls, failed: 0, probes: 0, latency: null } } });

  /** The good run, with as many Decrypt calls in the phases restart and cold; without the phase where undefined. */
  const withDecrypts = (restart: number | undefined, cold: number | undefined) =>
    withCell("kms-v2", ({ phases }) => ({
      phases: phases.flatMap((phase) => {
        if (phase.name !== "restart" && phase.name !== "cold") return [phase];
        const calls = phase.name === "restart" ? restart : cold;
        return calls === undefined ? [] : [{ ...phase, ...decrypts(calls) }];
      }),
    }));

  it.each([
    [10, 0, "a restart cost 10 Decrypt calls, and the 50 first reads after it no Decrypt call; "],
    [50, 1, "a restart cost 50 Decrypt calls, and the 50 first reads after it 1 Decrypt call; "],
    [0, 50, "a restart cost no Decrypt call, and the 50 first reads after it 50 Decrypt calls; "],
    [10, undefined, "a restart cost 10 Decrypt calls; "],
    [undefined, 3, "the 50 first reads cost 3 Decrypt calls; "],
    [undefined, 0, "the 50 first reads cost no Decrypt call; "],
    [undefined, undefined, ""],
  ])("are said apart for the restart (%s) and the first reads (%s)", (restart, cold, words) => {
    expect(texts(withDecrypts(restart, cold))).toContain(`kms-v2, 50 secrets: ${words}50 writes cost no Encrypt call.`);
  });
});

it("says what was not checked and not measured, and passes what was", () => {
  const untapped = (cell: Cell): Cell => ({
    ...cell,
    envelopes: null,
    phases: cell.phases.map((phase) => ({ ...phase, kms: null, agreements: [] })),
  });
  expect(verdicts({ ...good, cells: good.cells.slice(0, 2).map(untapped) })).toEqual({
    exitCode: 0,
    sentences: [
      { text: "identity, 50 secrets: the stored values were not checked.", isFault: false, isCaution: true },
      { text: "kms-v2, 50 secrets: the stored values were not checked.", isFault: false, isCaution: true },
      { text: "kms-v2, 50 secrets: no tap stood before the KMS plugin.", isFault: false, isCaution: true },
    ],
  });
});

it("reports what could not be sent without blaming the subject", () => {
  const result = withPhase("identity", "write", ({ requests }) => ({ requests: { ...requests, ok: 48, dropped: 2 } }));
  expect(verdicts(result).exitCode).toBe(0);
  expect(texts(result)).toContain("identity, 50 secrets: 2 of 50 requests of the phase write were due and never sent.");
});

const conform = await readRun("reports/fixtures/conform");

/** A check that ended so, for instance because of `reason`. */
function check(
  name: string,
  verdict: CheckVerdict,
  { level = "MUST", reason = null }: { level?: CheckLevel; reason?: string | null } = {},
) {
  const facts = {
    area: "plugin",
    title: "It holds.",
    invariants: [],
    source: "KEP-3299",
    remedy: "Mend it.",
    evidence: [],
    durationMs: 1,
  } as const;
  return { id: `plugin/${name}`, verdict, level, reason, ...facts, invariants: [], evidence: [] } satisfies CheckResult;
}

/** A run of checks alone. */
function checked(
  checks: CheckResult[],
  { strict = false, status = "complete" }: { strict?: boolean; status?: Result["status"] } = {},
): Result {
  return { ...conform, header: { ...conform.header, strict }, status, fault: null, checks };
}

describe("a run of checks", () => {
  const pass = check("good", "pass");
  const gone = { reason: "The plugin is gone." };

  it("says how many pass, and each reason why others were not judged once", () => {
    const absent = { reason: "KMS v1 is not served." };
    const run = checked([
      ...[pass, check("a", "not-applicable", absent), check("b", "not-applicable", absent)],
      ...[check("c", "skipped", { reason: "--skip c leaves it out." }), check("d", "not-applicable", { reason: "Nothing rotates it." })],
    ]);
    expect(verdicts(run)).toEqual({
      exitCode: 0,
      sentences: [
        { text: "1 of 5 checks pass, 3 do not apply, 1 was skipped.", isFault: false },
        { text: "2 checks do not apply: KMS v1 is not served.", isFault: false },
        { text: "plugin/d (MUST) does not apply: Nothing rotates it.", isFault: false },
        { text: "plugin/c (MUST) was skipped: --skip c leaves it out.", isFault: false },
      ],
    });
  });

  it.each<[string, CheckResult[], string[]]>([
    ["a MUST that fails", [pass, check("a", "fail")], ["1 of 2 checks pass, 1 fails (1 MUST).", "plugin/a (MUST) fails: It holds."]],
    [
      "a MUST that could not be judged",
      [pass, check("a", "inconclusive", gone)],
      ["1 of 2 checks pass, 1 could not be judged (1 MUST).", "plugin/a (MUST) could not be judged: The plugin is gone."],
    ],
    [
      "several that could not be judged for one reason",
      [pass, check("a", "inconclusive", gone), check("b", "inconclusive", gone)],
      ["1 of 3 checks pass, 2 could not be judged (2 MUST).", "2 checks could not be judged: The plugin is gone."],
    ],
    ["no check at all", [], ["Nothing was checked."]],
    ["nothing but checks that do not apply", [check("a", "not-applicable", gone), check("b", "skipped", gone)], ["Nothing was checked."]],
    ["no check that passes", [check("a", "fail", { level: "SHOULD" }), check("b", "skipped", gone)], ["No check passed."]],
  ])("is wrong with %s", (_, checks, sentences) => {
    expect(verdicts(checked(checks)).exitCode).toBe(1);
    expect(faults(checked(checks))).toEqual(sentences);
  });

  it.each<[string, CheckResult, string]>([
    ["fails", check("a", "fail", { level: "SHOULD" }), "plugin/a (SHOULD) fails: It holds."],
    [
      "could not be judged",
      check("a", "inconclusive", { level: "SHOULD", ...gone }),
      "plugin/a (SHOULD) could not be judged: The plugin is gone.",
    ],
  ])("shows a SHOULD that %s, and counts it only where it is strict", (_, advice, sentence) => {
    expect(verdicts(checked([pass, advice])).exitCode).toBe(0);
    expect(texts(checked([pass, advice]))).toContain(sentence);
    expect(verdicts(checked([pass, advice], { strict: true })).exitCode).toBe(1);
    expect(faults(checked([pass, advice], { strict: true }))).toContain(sentence);
  });

  it("is wrong where it did not end, however good what ended was", () => {
    expect(verdicts(checked([pass], { status: "interrupted" }))).toMatchObject({ exitCode: 1 });
    expect(texts(checked([pass], { status: "interrupted" }))).toEqual([
      "The run is interrupted.",
      "1 of 1 checks pass, of those that ended.",
    ]);
  });

  it("counts by verdict, and of what is wrong those that are a MUST", () => {
    expect(checkTally(conform.checks)).toBe(
      "5 of 23 checks pass, 4 fail (2 MUST), 4 could not be judged (3 MUST), 7 do not apply, 3 were skipped",
    );
  });

  it("is judged by what lies in its folder", async () => {
    expect(verdicts(conform).exitCode).toBe(1);
    expect(verdicts(await readRun("reports/fixtures/conform-cut-off")).exitCode).toBe(1);
  });
});

it("counts a threshold that does not hold as a fault, and says of the others that they do", () => {
  const thresholds = [
    { expression: "write.p99<20ms", holds: true, measured: "7.258ms" },
    { expression: "cold.decrypts<=1", holds: false, measured: "kms-v1, 50 secrets: 50" },
  ];
  const { exitCode, sentences } = verdicts({ ...good, thresholds });
  expect(exitCode).toBe(1);
  expect(sentences.slice(0, 2)).toEqual([
    { text: "The threshold cold.decrypts<=1 does not hold: kms-v1, 50 secrets: 50.", isFault: true },
    { text: "The threshold write.p99<20ms holds: 7.258ms.", isFault: false },
  ]);
});
