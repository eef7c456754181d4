import { cellName } from "../harness/run/fold.ts";
import type { Cell, Result } from "../harness/run/schema.ts";
import { cellFaults, runFaults } from "../harness/run/verdict.ts";
import { escapeMarkup } from "./escape.ts";
import type { Reporter } from "./reporter.ts";

/** For CI: a test case for the run as a whole, and one a provider and number of secrets. */
export const junit = {
  id: "junit",
  file: "junit.xml",
  render: (result) => {
    const cases = [runCase(result), ...result.cells.map(cellCase)];
    const failed = cases.filter(({ faults }) => faults.length > 0).length;
    const suite = `kmsmark ${result.header.command}`;
    const counts = `tests="${cases.length}" failures="${failed}" errors="0" skipped="0" time="${seconds(result.durationMs)}"`;
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="kmsmark" ${counts}>`,
      `  <testsuite name="${escapeMarkup(suite)}" ${counts} timestamp="${escapeMarkup(result.header.startedAt)}">`,
      ...cases.flatMap((each) => testCase(suite, each)),
      "  </testsuite>",
      "</testsuites>",
      "",
    ].join("\n");
  },
} satisfies Reporter;

interface Case {
  readonly name: string;
  readonly durationMs: number;
  readonly faults: readonly string[];
}

function runCase(result: Result): Case {
  return { name: "the run is complete", durationMs: result.durationMs, faults: runFaults(result) };
}

function cellCase(cell: Cell): Case {
  const durationMs = cell.phases.reduce((sum, phase) => sum + phase.durationMs, 0);
  return { name: cellName(cell), durationMs, faults: cellFaults(cell) };
}

function testCase(suite: string, { name, durationMs, faults }: Case): string[] {
  const open = `    <testcase classname="${escapeMarkup(suite)}" name="${escapeMarkup(name)}" time="${seconds(durationMs)}"`;
  const [first] = faults;
  if (first === undefined) return [`${open}/>`];
  return [
    `${open}>`,
    `      <failure message="${escapeMarkup(first)}">`,
    ...faults.map(escapeMarkup),
    "      </failure>",
    "    </testcase>",
  ];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
