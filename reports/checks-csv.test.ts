import { expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import { checksCsv } from "./checks-csv.ts";
import { csv } from "./csv.ts";

const conform = await readRun("reports/fixtures/conform");
const complete = await readRun("reports/fixtures/complete");

it("has a row a check, what did not pass first", () => {
  const [head, first, ...rest] = checksCsv.render(conform).trimEnd().split("\n");
  expect(head).toBe("area,check,level,invariants,verdict,reason,title,source,duration_ms");
  expect(first).toMatch(/^plugin,plugin\/v2-status-keyid-limit,MUST,K2-16,fail,,The key_id of Status has at most 1024 bytes\.,/);
  expect(rest).toHaveLength(conform.checks.length - 1);
});

it("is written for runs that have checks, and phases.csv for the others", () => {
  expect([checksCsv.isFor(conform), csv.isFor(conform)]).toEqual([true, false]);
  expect([checksCsv.isFor(complete), csv.isFor(complete)]).toEqual([false, true]);
});
