import { expect, it } from "vitest";
import { readRun } from "../run/read-run.ts";
import { termNotes } from "./bench-terms.ts";

const { cells } = await readRun("reports/fixtures/complete");
const kms = cells.filter(({ provider }) => provider.startsWith("kms-"));

it("predicts the shortest cold start and the cost of each KMS cell, and says that it is a prediction", () => {
  const notes = termNotes("alibaba", cells);
  expect(notes).toHaveLength(kms.length);
  for (const note of notes)
    expect(note).toMatch(/^A prediction for kms-v\d, \d+ secrets: its \d+ KMS calls .* at least \d+\.\d\d s .* cost USD 0\.\d{4}/);
});

it("has nothing to say of a KMS without a bill", () => {
  expect(termNotes("local", cells)).toEqual([]);
});

it("reckons 10,000 calls of a cold start as ten seconds and three cents", () => {
  const [cell] = kms;
  const [phase] = cell?.phases ?? [];
  if (cell === undefined || phase === undefined) throw new Error("The fixture has no KMS cell.");
  const calls = { calls: 10_000, failed: 0, probes: 0, latency: null };
  const phases = [{ ...phase, name: "cold" as const, kms: { Decrypt: calls } }];
  expect(termNotes("alibaba", [{ ...cell, phases }])).toEqual([expect.stringMatching(/10000 KMS calls .* 10\.00 s .* USD 0\.0300/)]);
});
