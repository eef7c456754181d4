import { cellName } from "../harness/run/fold.ts";
import type { Cell, CheckResult, Header, Result, StepResult, Threshold } from "../harness/run/schema.ts";
import {
  cellFaults,
  checkName,
  checkSentence,
  isFault,
  isStepFault,
  runFaults,
  stepSentence,
  thresholdSentence,
} from "../harness/run/verdict.ts";
import { byArea } from "./checks.ts";
import { escapeMarkup } from "./escape.ts";
import type { Reporter } from "./reporter.ts";

/** For CI: a test case for the run as a whole, and one a check, a step, a threshold, or a provider and number of secrets. */
export const junit = {
  id: "junit",
  file: "junit.xml",
  render: (result) => {
    const checks = byArea(result.checks).flatMap(([, ofArea]) => ofArea);
    const cases = [
      runCase(result),
      ...result.cells.map(cellCase),
      ...result.thresholds.map(thresholdCase),
      ...checks.map((check) => checkCase(check, result.header)),
      ...result.steps.map(stepCase),
    ];
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
  /** Of a check its area, of a step its part; the run itself otherwise. */
  readonly suite?: string;
  readonly name: string;
  readonly durationMs: number;
  readonly faults: readonly string[];
  /** Why there is no answer. */
  readonly skipped?: string;
  /** What a reader should know of a case that does not fail. */
  readonly output?: readonly string[];
}

/** A SHOULD that does not hold is no failure here, unless the run was strict: it stands in the case's output. */
function checkCase(check: CheckResult, header: Header): Case {
  const { area, verdict, reason, remedy, evidence, durationMs } = check;
  const base = { suite: area, name: checkName(check), durationMs, faults: [] };
  if (verdict === "pass") return base;
  const words = [
    checkSentence(check),
    ...evidence.flatMap(({ sent, received, expected }) => [`sent: ${sent}`, `received: ${received}`, `expected: ${expected}`]),
    ...(verdict === "fail" ? [`to do: ${remedy}`] : []),
  ];
  if (isFault(check, header)) return { ...base, faults: words };
  return verdict === "fail" ? { ...base, output: words } : { ...base, skipped: reason ?? verdict };
}

/** What a step rests on stands in its output, also where it holds: it is what the procedure is carried out for. */
function stepCase(step: StepResult): Case {
  const { id, part, verdict, reason, remedy, evidence, durationMs } = step;
  const base = { suite: part, name: id, durationMs, faults: [] };
  if (verdict === "verified") return { ...base, output: evidence };
  if (!isStepFault(step)) return { ...base, skipped: reason ?? verdict };
  return { ...base, faults: [stepSentence(step), ...evidence, ...(remedy === null ? [] : [`to do: ${remedy}`])] };
}

function runCase(result: Result): Case {
  return { name: "the run is complete", durationMs: result.durationMs, faults: runFaults(result) };
}

function cellCase(cell: Cell): Case {
  const durationMs = cell.phases.reduce((sum, phase) => sum + phase.durationMs, 0);
  return { name: cellName(cell), durationMs, faults: cellFaults(cell) };
}

/** It is a condition on the whole run and takes no time of its own. */
function thresholdCase(threshold: Threshold): Case {
  const sentence = thresholdSentence(threshold);
  const base = { suite: "thresholds", name: threshold.expression, durationMs: 0 };
  return threshold.holds ? { ...base, faults: [], output: [sentence] } : { ...base, faults: [sentence] };
}

function testCase(run: string, { suite = run, name, durationMs, faults, skipped, output = [] }: Case): string[] {
  const open = `    <testcase classname="${escapeMarkup(suite)}" name="${escapeMarkup(name)}" time="${seconds(durationMs)}"`;
  const [first] = faults;
  const inside = [
    ...(first === undefined ? [] : element(`failure message="${escapeMarkup(first)}"`, faults)),
    ...(skipped === undefined ? [] : [`      <skipped message="${escapeMarkup(skipped)}"/>`]),
    ...(output.length === 0 ? [] : element("system-out", output)),
  ];
  return inside.length === 0 ? [`${open}/>`] : [`${open}>`, ...inside, "    </testcase>"];
}

function element(tag: string, lines: readonly string[]): string[] {
  return [`      <${tag}>`, ...lines.map(escapeMarkup), `      </${tag.split(" ", 1)[0]}>`];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
