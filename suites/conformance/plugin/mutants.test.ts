import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../../harness/clock.ts";
import { Random } from "../../../harness/random.ts";
import type { CheckResult } from "../../../harness/run/schema.ts";
import type { Defect } from "../../../plugins/testing/defect.ts";
import { startDefectivePlugin } from "../../../plugins/testing/defective-plugin.ts";
import { defectsOfBoth } from "../../../plugins/testing/defects-both.ts";
import { defectsV1 } from "../../../plugins/testing/defects-v1.ts";
import { defectsV2 } from "../../../plugins/testing/defects-v2.ts";
import { pluginChecks } from "../index.ts";
import { openPlugin } from "../plugin-subject.ts";
import { runChecks } from "../run-checks.ts";

const defects = [...defectsV2, ...defectsV1, ...defectsOfBoth];
// Not os.tmpdir(): the folders above the socket have to be open to others for the defect that opens the socket.
const folder = mkdtempSync("/tmp/kmsmark-mutants-");
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true }));

/** The verdicts of checks on a plugin with some defects. */
async function judge(name: string, spoilt: readonly Defect[], ids: readonly string[]): Promise<CheckResult[]> {
  const socket = join(folder, `${name}.sock`);
  await using plugin = await startDefectivePlugin({ socket, defects: spoilt });
  const { signal } = new AbortController();
  using subject = await openPlugin({
    socket,
    versions: ["v1", "v2"],
    clock,
    random: new Random(name),
    signal,
    rotate: () => plugin.rotate(),
    restart: () => plugin.restart(),
  });
  const results: CheckResult[] = [];
  const checks = pluginChecks.filter(({ id }) => ids.includes(id));
  const options = { clock, signal, skipped: new Map<string, string>(), concurrency: 1, onStart: () => {} };
  await runChecks(checks, subject, { ...options, onResult: (result) => results.push(result) });
  return results;
}

it("finds nothing wrong with a plugin that does everything right", async () => {
  const results = await judge(
    "healthy",
    [],
    pluginChecks.map(({ id }) => id),
  );
  expect(results.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
  expect(results).toHaveLength(pluginChecks.length);
});

// Some hang until a call's deadline, several times.
describe.concurrent("finds each defect by the checks that are meant to", () => {
  // Each check has a plugin of its own: some defects end it.
  const cases = defects.flatMap((defect) => defect.caughtBy.map((check) => ({ defect, check })));
  it.each(cases)("$defect.id by $check", async ({ defect, check }) => {
    const results = await judge(`${defect.id}-${basename(check)}`, [defect], [check]);
    expect(results.map(({ id, verdict, reason }) => ({ id, verdict, reason }))).toEqual([{ id: check, verdict: "fail", reason: null }]);
  });
});

it("has a defect for every check of a plugin", () => {
  const caught = new Set<string>(defects.flatMap(({ caughtBy }) => caughtBy));
  expect(pluginChecks.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
  expect(new Set(defects.map(({ id }) => id)).size).toBe(defects.length);
});
