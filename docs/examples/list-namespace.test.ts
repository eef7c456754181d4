import { expect, it } from "vitest";
import { verdicts } from "../../harness/run/verdict.ts";
import { measuredRun, unnamedIn } from "../../suites/bench/measured-run.ts";
import { listNamespace } from "./list-namespace.ts";

it("lists one namespace, and answers its question", async () => {
  const result = await measuredRun("embedded", { secrets: [4], providers: ["identity", "aesgcm"] }, listNamespace);
  expect(verdicts(result).sentences.filter(({ isFault }) => isFault)).toEqual([]);
  expect(unnamedIn(result, listNamespace)).toEqual([]);
  const phases = result.cells.flatMap((cell) => cell.phases);
  expect(phases.map(({ requests }) => requests)).toEqual([1, 2].map(() => ({ due: 20, ok: 20, failed: 0, dropped: 0 })));
  expect(result.findings[0]?.text).toMatch(/^A list of one namespace takes \S+ .* with 4 Secrets\.$/);
});
