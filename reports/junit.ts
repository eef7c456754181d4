import { cellName } from "../harness/run/fold.ts";
import type { Cell, CheckResult, Header, Result, StepResult, Threshold } from "../harness/run/schema.ts";
import {
  agreementFaults,
  agreementsOf,
  checkSentence,
  endFaults,
  envelopeFaults,
  hasTap,
  isFault,
  isKms,
  isStepFault,
  predictionFaults,
  requestFaults,
  runFaults,
  stepSentence,
  thresholdSentence,
} from "../harness/run/verdict.ts";
import { byArea } from "./checks.ts";
import { escapeMarkup } from "./escape.ts";
import type { Reporter } from "./reporter.ts";

/**
 * For CI: a test case for the run as a whole, and one a check, a step, a threshold, and of each provider and number of secrets one for its
 * requests, its envelopes, its counts and what the model predicts of them. It keeps to the schema that Jenkins gives (dtkit, junit-4.xsd).
 */
export const junit = {
  id: "junit",
  file: "junit.xml",
  render: (result) => {
    const { header, cells, thresholds, checks, steps } = result;
    const cases = [
      runCase(result),
      ...cells.map(cellCase),
      ...cells.flatMap(envelopeCase),
      ...cells.flatMap((cell) => agreementCase(cell, header)),
      ...cells.flatMap(predictionCase),
      ...thresholds.map(thresholdCase),
      ...byArea(checks).flatMap(([, ofArea]) => ofArea.map((check) => checkCase(check, header))),
      ...steps.map(stepCase),
    ];
    const failed = cases.filter(({ faults }) => faults.length > 0).length;
    const skipped = cases.filter(({ skipped: reason }) => reason !== undefined).length;
    const suite = `kmsmark ${header.command}`;
    const counts = `tests="${cases.length}" failures="${failed}" errors="0"`;
    const time = `time="${seconds(result.durationMs)}"`;
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="kmsmark" ${counts} ${time}>`,
      `  <testsuite name="${escapeMarkup(suite)}" ${counts} skipped="${skipped}" ${time} timestamp="${escapeMarkup(header.startedAt)}">`,
      "    <properties>",
      ...properties(result).map(([name, value]) => `      <property name="${name}" value="${escapeMarkup(value)}"/>`),
      "    </properties>",
      ...cases.flatMap((each) => testCase(suite, each)),
      "  </testsuite>",
      "</testsuites>",
      "",
    ].join("\n");
  },
} satisfies Reporter;

/** What the verdicts are of. */
function properties({ header, status }: Result): [name: string, value: string][] {
  const { runId, seed, strict, kmsmark, plugin, target } = header;
  return [
    ["run", runId],
    ["status", status],
    ["kmsmark", kmsmark],
    ["seed", seed],
    ["strict", String(strict)],
    ["plugin", plugin ?? "none"],
    ["target", target?.kind ?? "none"],
    ...(target === null
      ? []
      : ([
          ["model", String(target.isModel)],
          ["kubernetes", target.kubernetes],
          ["etcd", target.etcd ?? "none"],
        ] satisfies [string, string][])),
  ];
}

interface Case {
  /** Of a check its area, of a step its part; the run itself otherwise. */
  readonly suite?: string;
  readonly name: string;
  readonly durationMs: number;
  readonly faults: readonly string[];
  /** What kind of fault it is; the suite tells it otherwise. */
  readonly type?: string;
  /** Why there is no answer. */
  readonly skipped?: string;
  /** What a reader should know of a case that does not fail. */
  readonly output?: readonly string[];
}

/** A SHOULD that does not hold is no failure here, unless the run was strict: it stands in the case's output. */
function checkCase(check: CheckResult, header: Header): Case {
  const { id, area, level, verdict, reason, remedy, source, evidence, durationMs } = check;
  const base = { suite: area, name: id, durationMs, type: `${level} ${verdict}`, faults: [] };
  if (verdict === "pass") return base;
  const words = [
    checkSentence(check),
    ...evidence.flatMap(({ sent, received, expected }) => [`sent: ${sent}`, `received: ${received}`, `expected: ${expected}`]),
    ...(verdict === "fail" ? [`to do: ${remedy}`, `source: ${source}`] : []),
  ];
  if (isFault(check, header)) return { ...base, faults: words };
  return verdict === "fail" ? { ...base, output: words } : { ...base, skipped: reason ?? verdict };
}

/** What a step rests on stands in its output, also where it holds: it is what the procedure is carried out for. */
function stepCase(step: StepResult): Case {
  const { id, part, verdict, reason, remedy, evidence, durationMs } = step;
  const base = { suite: part, name: id, durationMs, type: verdict, faults: [] };
  if (verdict === "verified") return { ...base, output: evidence };
  if (!isStepFault(step)) return { ...base, skipped: reason ?? verdict };
  return { ...base, faults: [stepSentence(step), ...evidence, ...(remedy === null ? [] : [`to do: ${remedy}`])] };
}

function runCase(result: Result): Case {
  return { name: "the run is complete", durationMs: result.durationMs, faults: runFaults(result) };
}

function cellCase(cell: Cell): Case {
  const durationMs = cell.phases.reduce((sum, phase) => sum + phase.durationMs, 0);
  return { name: cellName(cell), durationMs, faults: [...endFaults(cell), ...requestFaults(cell)] };
}

/** What was found when the stored values were read; it takes no time of its own, as those that follow. */
function envelopeCase(cell: Cell): Case[] {
  const base = { suite: "envelopes", name: cellName(cell), durationMs: 0, faults: envelopeFaults(cell) };
  if (cell.envelopes !== null) return [{ ...base, output: [`${cell.envelopes.right} of ${cell.envelopes.total} envelopes right.`] }];
  // The other benchmarks check them always or never, and say which.
  return cell.benchmark === "lifecycle" ? [{ ...base, skipped: "The stored values were not checked." }] : [];
}

/** Whether the tap and the API server counted the same. */
function agreementCase(cell: Cell, { target }: Header): Case[] {
  const agreements = agreementsOf(cell);
  const base = { suite: "agreements", name: cellName(cell), durationMs: 0, faults: agreementFaults(cell) };
  if (hasTap(cell) || agreements.length > 0) return [{ ...base, output: [`${agreements.length} counts compared.`] }];
  return isKms(cell) && target !== null ? [{ ...base, skipped: "No tap stood before the KMS plugin." }] : [];
}

function predictionCase(cell: Cell): Case[] {
  const predictions = cell.phases.flatMap((phase) => phase.predictions);
  if (predictions.length === 0) return [];
  const output = [`${predictions.length} counts compared with what the model predicts.`];
  return [{ suite: "predictions", name: cellName(cell), durationMs: 0, faults: predictionFaults(cell), output }];
}

/** It is a condition on the whole run and takes no time of its own. */
function thresholdCase(threshold: Threshold): Case {
  const sentence = thresholdSentence(threshold);
  const base = { suite: "thresholds", name: threshold.expression, durationMs: 0 };
  return threshold.holds ? { ...base, faults: [], output: [sentence] } : { ...base, faults: [sentence] };
}

/** The elements stand in the order that the schema asks for; it gives `skipped` a text and no attribute, which Jenkins shows as well. */
function testCase(run: string, { suite = run, name, durationMs, faults, type = "fault", skipped, output = [] }: Case): string[] {
  const open = `    <testcase classname="${escapeMarkup(suite)}" name="${escapeMarkup(name)}" time="${seconds(durationMs)}"`;
  const [first] = faults;
  const inside = [
    ...(skipped === undefined ? [] : [`      <skipped>${escapeMarkup(skipped)}</skipped>`]),
    ...(first === undefined ? [] : element(`failure message="${escapeMarkup(first)}" type="${escapeMarkup(type)}"`, faults)),
    ...(first !== undefined || output.length === 0 ? [] : element("system-out", output)),
  ];
  return inside.length === 0 ? [`${open}/>`] : [`${open}>`, ...inside, "    </testcase>"];
}

function element(tag: string, lines: readonly string[]): string[] {
  return [`      <${tag}>`, ...lines.map(escapeMarkup), `      </${tag.split(" ", 1)[0]}>`];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
