import { expect, it } from "vitest";
import type { Phase } from "../../harness/run/schema.ts";
import { verdicts } from "../../harness/run/verdict.ts";
import { measuredRun, unnamedIn } from "./measured-run.ts";
import { outage } from "./outage.ts";

it("tells a failing call from a healthz that is not ok, also by what the model says of minutes", async () => {
  const result = await measuredRun("embedded", { secrets: [6], providers: ["kms-v2"], own: { outage: "25s" } }, outage);
  const failed = result.cells.map(({ parameters, phases }) => [
    parameters["shownBy"],
    ...phases.map((phase) => [phase.name, phase.requests.failed, firstFailedSecond(phase)]),
  ]);
  // The last good health check is given out for 20 s, and a bad one for 3 s (spec encryption-at-rest 2.5).
  const phases = [
    ["outage", 12, undefined],
    ["writes", 0, undefined],
    ["warm-reads", 0, undefined],
    ["readyz", 12, 20],
    ["restart", 0, undefined],
  ];
  expect(failed).toEqual([
    ["calls fail", ...phases],
    ["healthz not ok", ...phases],
  ]);
  // Writes end 180 s after the last Status, which was 5 s before the outage; but only where the Status itself fails.
  const said = result.findings.flatMap(({ text }) => (text.startsWith("By the model") ? [text] : []));
  expect(said.map((text) => /writes failed from \d+ s to \d+ s/.exec(text)?.[0])).toEqual(["writes failed from 176 s to 185 s", undefined]);
  expect(said[1]).toContain("writes and reads of known DEKs went on");
  expect(unnamedIn(result, outage)).toEqual([]);
  expect(verdicts(result).exitCode).toBe(0);
});

it("ends KMS v1's writes and its reads of forgotten DEKs with the KMS", async () => {
  const result = await measuredRun("embedded", { secrets: [12], providers: ["kms-v1"], own: { outage: "4s" } }, outage);
  const failed = result.cells[0]?.phases.map(({ name, requests }) => [name, requests.failed]);
  expect(failed).toEqual([
    ["outage", 8],
    ["writes", 4],
    ["warm-reads", 0],
    ["cold-reads", 4],
    ["readyz", 0],
    ["restart", 0],
  ]);
  expect(unnamedIn(result, outage)).toEqual([]);
  expect(verdicts(result).exitCode).toBe(0);
});

function firstFailedSecond({ timeline }: Phase): number | undefined {
  const first = timeline?.load.find(({ failed }) => failed > 0);
  return timeline === null || first === undefined ? undefined : Math.floor((first.step * timeline.stepMs) / 1000);
}
