import { cellName } from "../harness/run/fold.ts";
import type { Cell, CheckResult, Result } from "../harness/run/schema.ts";
import { cellFaults, isFault, runFaults } from "../harness/run/verdict.ts";
import { escapeMarkup } from "./escape.ts";
import type { Reporter } from "./reporter.ts";

/** For CI: a test case for the run as a whole, and one a provider and number of secrets. */
export const junit = {
  id: "junit",
  file: "junit.xml",
  render: (result) => {
    const cases = [runCase(result), ...result.cells.map(cellCase), ...result.checks.map((check) => checkCase(check, result.header))];
    const failed = cases.filter(({ faults }) => faults.length > 0).length;
    const skipped = cases.filter(({ skipped: reason }) => reason !== undefined).length;
    const suite = `kmsmark ${result.header.command}`;
    const counts = `tests="${cases.length}" failures="${failed}" errors="0" skipped="${skipped}" time="${seconds(result.durationMs)}"`;
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
  /** Of a check: the suite that it belongs to. */
  readonly area?: string;
  /** Why there is no answer. */
  readonly skipped?: string;
  /** What a reader of a case that does not fail should know all the same. */
  readonly advice?: readonly string[];
}

/** A SHOULD that fails is no failure here, unless the run was strict: it stands in the case's output. */
function checkCase(check: CheckResult, header: Result["header"]): Case {
  const { id, area, verdict, title, reason, remedy, evidence, durationMs } = check;
  const base = { name: id, area, durationMs, faults: [] };
  if (verdict === "pass") return base;
  const words = [
    reason ?? title,
    ...evidence.map(({ sent, received, expected }) => `sent: ${sent}; received: ${received}; expected: ${expected}`),
    `To do: ${remedy}`,
  ];
  if (isFault(check, header)) return { ...base, faults: words };
  return verdict === "fail" ? { ...base, advice: words } : { ...base, skipped: reason ?? verdict };
}

function runCase(result: Result): Case {
  return { name: "the run is complete", durationMs: result.durationMs, faults: runFaults(result) };
}

function cellCase(cell: Cell): Case {
  const durationMs = cell.phases.reduce((sum, phase) => sum + phase.durationMs, 0);
  return { name: cellName(cell), durationMs, faults: cellFaults(cell) };
}

function testCase(suite: string, { name, durationMs, faults, area, skipped, advice = [] }: Case): string[] {
  const owner = area === undefined ? suite : `${suite}.${area}`;
  const open = `    <testcase classname="${escapeMarkup(owner)}" name="${escapeMarkup(name)}" time="${seconds(durationMs)}"`;
  const [first] = faults;
  if (skipped !== undefined) return [`${open}>`, `      <skipped message="${escapeMarkup(skipped)}"/>`, "    </testcase>"];
  if (first === undefined && advice.length > 0) {
    return [`${open}>`, "      <system-out>", ...advice.map(escapeMarkup), "      </system-out>", "    </testcase>"];
  }
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
