import { describe, expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import type { Cell, Phase, Result } from "../harness/run/schema.ts";
import { answersOf, answerText } from "./answers.ts";

const complete = await readRun("reports/fixtures/complete");
const textsOf = (result: Result) => answersOf(result).map(answerText);

/** The complete run with nothing but its writes under identity and KMS v2, in rounds with these medians in microseconds. */
function rounds(identity: readonly number[], kms: readonly number[]): Result {
  const cells = complete.cells.flatMap((cell): Cell[] => {
    const medians = cell.provider === "identity" ? identity : cell.provider === "kms-v2" ? kms : [];
    if (cell.secrets !== 500) return [];
    return medians.map((us, at) => ({
      ...cell,
      round: at + 1,
      phases: cell.phases.flatMap((phase) => (phase.name === "write" ? [withMedian(phase, us * 1000)] : [])),
    }));
  });
  return { ...complete, cells };
}

function withMedian(phase: Phase, p50: number): Phase {
  return { ...phase, latency: phase.latency && { ...phase.latency, p50 } };
}

const [first = ""] = textsOf(rounds([2400, 2600, 2500, 2450, 2550], [2600, 2700, 2650, 2720, 2610]));

describe("what a provider costs", () => {
  it("is said of one run of each without a verdict, of the most Secrets", () => {
    expect(textsOf(complete).slice(0, 3)).toEqual([
      "At the median a write took 2.44 ms with identity, 2.64 ms with KMS v2 (+8 %), 3.91 ms with KMS v1 (+60 %) (500 Secrets; one run each, with what chance made of it).",
      "At the median a read took 915 µs with identity, 989 µs with KMS v2 (+8 %), 1.46 ms with KMS v1 (+60 %) (500 Secrets; one run each, with what chance made of it).",
      "At the median the first read after a restart took 3.15 ms with identity, 3.41 ms with KMS v2 (+8 %), 5.05 ms with KMS v1 (+60 %) (500 Secrets; one run each, with what chance made of it).",
    ]);
  });

  it("has an interval over rounds", () => {
    expect(first).toMatch(
      /^KMS v2 added 6\.3 % to a write at the median \(2\.50 ms with identity, 2\.66 ms; 500 Secrets; 95 % interval \+[23]\.\d % to \+(9\.\d|1\d) %, 5 rounds\)\.$/,
    );
  });

  it("is no difference where rounds lie in each other's range", () => {
    const [same = ""] = textsOf(rounds([2400, 2600, 2500, 2450, 2550], [2410, 2610, 2490, 2440, 2560]));
    expect(same).toMatch(
      /^No difference seen between KMS v2 and identity in a write at the median \(2\.50 ms with identity, 2\.50 ms; 500 Secrets; 95 % interval −\d\.\d % to \+\d\.\d %, 5 rounds\)\.$/,
    );
  });

  it("is a factor from twice as long on, and may be less than nothing", () => {
    expect(textsOf(rounds([1000, 1010, 990, 1005, 995], [3010, 3000, 2990, 3005, 2995]))[0]).toMatch(
      /^KMS v2 made a write take 3\.0 times as long at the median \(/,
    );
    expect(textsOf(rounds([1000, 1010, 990, 1005, 995], [900, 910, 890, 905, 895]))[0]).toMatch(
      /^KMS v2 took 10 % off a write at the median \(/,
    );
  });

  it("is not told of too few rounds", () => {
    expect(textsOf(rounds([2400, 2600], [2600, 2800]))[0]).toBe(
      "What KMS v2 adds to a write cannot be told, because 2 and 2 rounds do not say how far rounds vary: it takes one of each, or at least 5 (2.50 ms with identity, 2.70 ms; 500 Secrets).",
    );
  });

  it("is not told of what is as fast as the client itself", () => {
    const [some] = complete.cells.flatMap(({ phases }) => phases.flatMap(({ latency }) => latency ?? []));
    if (some === undefined) throw new Error("The fixture has latencies.");
    const floor = {
      roundTrips: { https: { ...some, p50: 900_000 }, "grpc-unix": some },
      eventLoopDelay: some,
      clockResolutionNs: 41,
      sendDelay: null,
    };
    expect(textsOf({ ...rounds([2400], [2600]), floor })).toContain(
      "What KMS v2 adds to a write cannot be told, because it is too near the client's own round trip (2.44 ms with identity, 2.64 ms; 500 Secrets).",
    );
  });

  it("is a model's where a model was measured", async () => {
    const embedded = await readRun("reports/fixtures/embedded");
    const costs = textsOf(embedded).filter((text) => text.includes("with identity"));
    expect(costs).toHaveLength(3);
    expect(costs.filter((text) => !text.endsWith("; a model's figures)."))).toEqual([]);
  });

  it("is not told where nothing was measured without a provider", () => {
    const cells = complete.cells.filter(({ provider }) => provider !== "identity");
    expect(textsOf({ ...complete, cells }).filter((text) => /median|identity/.test(text))).toEqual([]);
  });

  it("stands in six sentences, and one that says how much more there is", () => {
    const slower = [10, 20].flatMap((kmsLatencyMs) => complete.cells.map((cell) => ({ ...cell, parameters: { kmsLatencyMs } })));
    const texts = textsOf({ ...complete, cells: [...complete.cells, ...slower] });
    expect(texts.filter((text) => text.startsWith("At the median "))).toHaveLength(6);
    expect(texts.filter((text) => text.includes("; kmsLatencyMs 10; "))).toHaveLength(3);
    expect(texts[6]).toBe("The tables say as much of 3 more requests.");
  });
});

describe("the order of the answers", () => {
  it("is faults, then what keeps from trusting, then what it costs, the benchmarks' findings, and what is right", async () => {
    const mismatch = await readRun("reports/fixtures/mismatch");
    const finding = { benchmark: "write", text: "A create takes 1 ms." };
    const answers = answersOf({ ...mismatch, cells: [...mismatch.cells, ...rounds([2400], [2600]).cells], findings: [finding] });
    expect(answers.slice(0, 5).map(({ tone }) => tone)).toEqual(["fault", "fault", "fault", "caution", "plain"]);
    expect(answers[4]?.text).toMatch(/^At the median a write took 2\.44 ms with identity, 2\.64 ms with KMS v2 /);
    expect(answers[5]).toEqual({ ...finding, tone: "plain", isShown: false });
    expect(answers[6]?.text).toMatch(/ envelopes conform\.$/);
  });

  it("begins with how many checks pass where one is a fault, and says what advice is not followed before what does not apply", async () => {
    const tones = answersOf(await readRun("reports/fixtures/conform")).map(({ tone, text }) => `${tone}: ${text.slice(0, 20)}`);
    expect(tones[0]).toBe("fault: 5 of 23 checks pass,");
    expect(tones.lastIndexOf("caution: plugin/v2-latency-m")).toBeLessThan(tones.indexOf("plain: 4 checks do not appl"));
  });

  it("says of a procedure what failed, then how many steps are verified", async () => {
    expect(textsOf(await readRun("reports/fixtures/ack"))).toEqual([
      "verification/events failed: The events did not come within the deadline.",
      "5 of 7 steps verified, 1 failed, 1 skipped.",
      "The audit trail shows 45 KMS calls, 7 of them ended with an error.",
    ]);
  });

  it("says of a plan which limit breaks, and then what is predicted", async () => {
    expect(textsOf(await readRun("reports/fixtures/plan")).slice(0, 2)).toEqual([
      'By the prediction the limit "ready-all<=30s" does not hold: 37.8 s.',
      "A prediction of the model, not a measurement: 4 clusters of 3 API servers and 10,000 Secrets on Kubernetes v1.37.2 with KMS v1.",
    ]);
  });
});
