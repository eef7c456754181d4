import { expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import { csv } from "./csv.ts";

const complete = await readRun("reports/fixtures/complete");

/** The rows of a result as records of column and text; no fixture has a comma or a quote in a value. */
function rowsOf(result: typeof complete): Record<string, string>[] {
  const [names, ...rows] = csv
    .render(result)
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  return rows.map((row) => Object.fromEntries((names ?? []).map((name, at) => [name, row[at] ?? ""])));
}

it("has a row a cell and phase", () => {
  expect(rowsOf(complete)).toHaveLength(6 * 9);
});

it("counts KMS v1's probes apart from the work", () => {
  const start = rowsOf(complete).find(({ provider, phase }) => provider === "kms-v1" && phase === "start");
  expect(start).toMatchObject({ encrypt_calls: "0", decrypt_calls: "0", version_calls: "1", probe_calls: "2" });
});

it("leaves empty what was not measured", () => {
  const cells = complete.cells
    .slice(0, 1)
    .map((cell) => ({ ...cell, envelopes: null, phases: cell.phases.map((phase) => ({ ...phase, kms: null })) }));
  const [start] = rowsOf({ ...complete, cells });
  expect(start).toMatchObject({ rate_per_second: "", latency_p50_ns: "", encrypt_calls: "", probe_calls: "", envelopes_total: "" });
});
