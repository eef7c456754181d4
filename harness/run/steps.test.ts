import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { foldJournal, type Journaled } from "./fold.ts";
import { parseJournal } from "./read-run.ts";
import { type JournalEntry, resultSchema, type StepVerdict } from "./schema.ts";
import { verdicts } from "./verdict.ts";

const [header, ...rest] = parseJournal(readFileSync("reports/fixtures/ack/journal.jsonl", "utf8"));
const fold = (...entries: readonly JournalEntry[]) => foldJournal([header, ...entries] satisfies Journaled);

const stepEnded = (id: string, verdict: StepVerdict): JournalEntry => ({
  atMs: 5,
  event: "step",
  result: {
    ...{ id, part: "Part", title: `Title of ${id}`, says: "", verdict, reason: verdict === "verified" ? null : "No." },
    ...{ remedy: null, evidence: [], startMs: 1, durationMs: 4 },
  },
});
const ended: JournalEntry = { atMs: 10, event: "end", status: "complete", fault: null };

describe("the journal of a procedure", () => {
  it("gives a valid result at every length, which names the step that was under way", () => {
    for (let length = 0; length < rest.length; length++) {
      const result = fold(...rest.slice(0, length));
      expect(resultSchema.safeParse(result).error).toBeUndefined();
      expect(result.status).toBe("cut off");
    }
    expect(fold({ atMs: 1, event: "step-started", id: "new/create" }).fault).toBe("The run was cut off in the step new/create.");
    expect(fold(stepEnded("a", "verified")).fault).toBe("The run was cut off between two steps.");
  });

  it("gathers steps and events in their order", () => {
    const result = fold(...rest);
    expect(result.steps.map(({ id }) => id)).toEqual([
      ...["prerequisites/role", "prerequisites/policy", "prerequisites/key", "new/create", "new/secrets"],
      ...["verification/events", "verification/counts"],
    ]);
    expect(result.kmsEvents).toHaveLength(45);
  });

  it("cannot have one step twice", () => {
    expect(() => fold(stepEnded("a", "verified"), stepEnded("a", "verified"))).toThrow("a second result of the step a");
  });
});

describe("the verdict on a procedure", () => {
  it("is good where every step is verified", () => {
    expect(verdicts(fold(stepEnded("a", "verified"), stepEnded("b", "verified"), ended))).toEqual({
      exitCode: 0,
      sentences: [{ text: "2 of 2 steps verified.", isFault: false }],
    });
  });

  it.each(["refused", "failed"] as const)("is not where one is %s", (verdict) => {
    const { exitCode, sentences } = verdicts(fold(stepEnded("a", verdict), stepEnded("b", "skipped"), ended));
    expect(exitCode).toBe(1);
    expect(sentences).toEqual([
      { text: `a ${verdict}: No.`, isFault: true, isShown: true },
      { text: `0 of 2 steps verified, 1 ${verdict}, 1 skipped.`, isFault: false },
    ]);
  });

  it("is not where there was no step", () => {
    expect(verdicts(fold(ended))).toEqual({ exitCode: 1, sentences: [{ text: "Nothing was checked.", isFault: true }] });
  });

  it("says how many calls the trail shows", () => {
    const texts = verdicts(fold(...rest)).sentences.map(({ text }) => text);
    expect(texts).toContain("The audit trail shows 45 KMS calls, 7 of them ended with an error.");
  });
});
