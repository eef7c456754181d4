import { describe, expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import type { Result } from "../harness/run/schema.ts";
import { html } from "./html.ts";
import { renderTerminal, reporters } from "./index.ts";
import { json } from "./json.ts";
import { junit } from "./junit.ts";
import { madeHostile } from "./made-hostile.ts";

const evil = `=cmd|'/c calc'!A1 </td></failure>]]><script src="https://evil.test/x.js">&amp;\u001B[2J\u202E\n# |x|`;

/** A run in which everything that others wrote is hostile. */
const hostile: Result = await (async () => {
  const mismatch = await readRun("reports/fixtures/mismatch");
  const { header } = mismatch;
  return {
    ...mismatch,
    status: "failed",
    fault: evil,
    header: {
      ...header,
      runId: evil,
      command: evil,
      seed: evil,
      kmsmark: evil,
      plugin: evil,
      notes: [evil],
      machine: { ...header.machine, cpu: evil, system: evil, node: evil },
      target: {
        kind: "processes",
        isModel: true,
        kubernetes: evil,
        etcd: evil,
        refused: [{ kind: "containers", reason: evil, remedy: evil }],
      },
    },
    cells: mismatch.cells.map((cell) => ({
      ...cell,
      fault: evil,
      envelopes: { total: 2, right: 1, wrong: [{ key: evil, reason: evil }], plaintextBytes: 10, storedBytes: 20 },
      phases: cell.phases.map((phase) => ({
        ...phase,
        requests: { due: 4, ok: 1, failed: 2, dropped: 1 },
        failures: [{ status: 500, message: evil, count: 2 }],
        kms: { [evil]: { calls: 1, failed: 1, probes: 0, latency: null } },
        server: { [evil]: 1, [`apiserver_storage_transformation_operations_total{transformer_prefix="${evil.replaceAll('"', "")}"}`]: 1 },
        agreements: [{ what: evil, tap: 1, server: 2 }],
      })),
    })),
  };
})();

/** The same of a run of checks; its evidence is long besides. */
const hostileChecks: Result = await (async () => {
  const conform = await readRun("reports/fixtures/conform");
  const long = evil.repeat(50);
  return {
    ...conform,
    header: hostile.header,
    checks: conform.checks.map((check) => ({
      ...check,
      ...{
        id: `${check.id} ${evil}`,
        title: evil,
        invariants: [evil],
        source: evil,
        remedy: evil,
        reason: check.reason && `${check.reason} ${evil}`,
      },
      evidence: Array.from({ length: 12 }, () => ({ sent: long, received: long, expected: long })),
    })),
  };
})();

/** The same of a procedure and the events of an audit trail. */
const hostileSteps: Result = await (async () => {
  const procedure = await readRun("reports/fixtures/ack");
  const long = evil.repeat(50);
  return {
    ...procedure,
    header: hostile.header,
    steps: procedure.steps.map((step) => ({
      ...step,
      ...{ id: evil, part: evil, title: evil, says: long, reason: step.reason && long, remedy: step.remedy && long },
      evidence: Array.from({ length: 12 }, () => long),
    })),
    kmsEvents: procedure.kmsEvents.map((event) => ({
      ...event,
      ...{ name: evil, user: evil, keyId: evil, keyVersionId: evil, errorCode: evil, requestId: evil },
    })),
  };
})();

/** Fixtures with all that others wrote replaced; what is added to the schema joins by itself. */
const altered = await Promise.all(["embedded", "plan"].map(async (theme) => madeHostile(await readRun(`reports/fixtures/${theme}`), evil)));
const runs = [hostile, hostileChecks, hostileSteps, ...altered];

// csv-cells.test.ts and markdown.test.ts have what is special to those formats.
describe("a run full of hostile names", () => {
  it.each(reporters.filter(({ id }) => id !== json.id))("steers no terminal by its $file", async ({ render }) => {
    for (const run of runs) expect(await render(run)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  it("steers no terminal when it is shown on one, and keeps to its width", () => {
    for (const [run, columns] of [hostile, hostileChecks, hostileSteps].flatMap((each) =>
      [60, 80, 200].map((width) => [each, width] as const),
    )) {
      const text = renderTerminal(run, columns);
      expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
      expect(text.split("\n").filter((line) => line.length > columns)).toEqual([]);
    }
  });

  it("adds no element to report.html", async () => {
    const tagsOf = (text: string) => new Set([...text.matchAll(/<(\/?\w+)/g)].map(([, tag]) => tag));
    const tame = await html.render(await readRun("reports/fixtures/mismatch"));
    expect(tagsOf(await html.render(hostile))).toEqual(tagsOf(tame));
    const tameChecks = await html.render(await readRun("reports/fixtures/conform"));
    expect(tagsOf(await html.render(hostileChecks))).toEqual(tagsOf(tameChecks));
    const tameSteps = await html.render(await readRun("reports/fixtures/ack"));
    expect(tagsOf(await html.render(hostileSteps))).toEqual(tagsOf(tameSteps));
  });

  it("adds no element to junit.xml", () => {
    const elements = ["failure", "properties", "property", "skipped", "system-out", "testcase", "testsuite", "testsuites"];
    for (const run of runs) {
      const found = new Set([...junit.render(run).matchAll(/<\/?([\w-]+)/g)].map(([, tag = ""]) => tag));
      expect([...found].filter((tag) => !elements.includes(tag))).toEqual([]);
    }
  });

  it("is not told at length to those who read a terminal", async () => {
    expect(renderTerminal(hostileChecks, 100).length).toBeLessThan(50_000);
    expect((await html.render(hostileChecks)).length).toBeGreaterThan(1_000_000);
  });

  it("stays what it is in result.json", () => {
    expect(JSON.parse(json.render(hostile))).toEqual(hostile);
  });
});
