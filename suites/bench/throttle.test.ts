import { expect, it } from "vitest";
import { verdicts } from "../../harness/run/verdict.ts";
import { measuredRun, unnamedIn } from "./measured-run.ts";
import { throttle } from "./throttle.ts";

it("asks again for what the quota refused until everything is there, and then once more for each write", async () => {
  const result = await measuredRun("embedded", { secrets: [12], providers: ["kms-v1"], own: { quota: "4" } }, throttle);
  const [restart, migration] = result.cells[0]?.phases ?? [];
  expect(restart?.kms?.["Decrypt"]?.failed).toBeGreaterThan(0);
  expect(restart?.predictions).toContainEqual({ what: "Decrypt calls answered", seen: 12, least: 12, most: 12 });
  expect(migration?.requests).toMatchObject({ ok: 12, dropped: 0 });
  expect(migration?.requests.failed).toBeGreaterThan(0);
  expect(migration?.figures).toMatchObject({ leftCount: 0, refusedCount: migration?.requests.failed });
  expect(result.findings).toHaveLength(1);
  // What is refused is what is measured, and no fault of the run.
  expect(unnamedIn(result, throttle)).toEqual([]);
  expect(verdicts(result).exitCode).toBe(0);
});
