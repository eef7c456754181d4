import { clientFindings } from "./client-limits.ts";
import { cellName } from "./fold.ts";
import type { Plan } from "./plan-schema.ts";
import type { Agreement, Cell, CheckResult, CheckVerdict, Phase, PhaseName, Prediction, Result, StepResult, Threshold } from "./schema.ts";

export interface Verdict {
  readonly text: string;
  /** True where the sentence is a reason for exit code 1. */
  readonly isFault: boolean;
  /** True where it is no fault, and yet bad news: what keeps a reader from trusting the run, or from taking something for measured or checked. */
  readonly isCaution?: true;
  /** True where it tells of checks that reports show in full besides. */
  readonly isShown?: true;
}

/** What a run showed, in sentences, the faults first. */
export interface Verdicts {
  /** 1 where anything was wrong, and where nothing was checked at all. */
  readonly exitCode: 0 | 1;
  readonly sentences: readonly Verdict[];
}

/** Judges a run by what lies in its result, and by nothing else. */
export function verdicts(result: Result): Verdicts {
  const { header, checks, cells, steps, thresholds, plan } = result;
  const wrong = checks.filter((check) => isFault(check, header));
  const others = checks.filter((check) => !isFault(check, header));
  const tally = sentences(tallies(result), { isFault: wrong.length > 0 });
  const faults = [
    ...sentences(runFaults(result), { isFault: true }),
    ...(wrong.length > 0 ? tally : []),
    ...sentences(troubles(wrong), { isFault: true, isShown: true }),
    ...sentences(steps.filter(isStepFault).map(stepSentence), { isFault: true, isShown: true }),
    ...sentences(
      cells.flatMap((cell) => cellFaults(cell).map((fault) => `${cellName(cell)}: ${fault}`)),
      { isFault: true },
    ),
    ...sentences(thresholds.filter(({ holds }) => !holds).map(thresholdSentence), { isFault: true }),
  ];
  const findings = [
    ...(wrong.length > 0 ? [] : tally),
    ...sentences(plan?.sentences ?? [], { isFault: false }),
    ...sentences(troubles(others), { isFault: false, isCaution: true, isShown: true }),
    ...sentences([...omissions(result), ...clientFindings(result)], { isFault: false, isCaution: true }),
    ...sentences(
      [
        ...thresholds.filter(({ holds }) => holds).map(thresholdSentence),
        ...stepTallies(result),
        ...unanswered(checks, "not-applicable"),
        ...unanswered(checks, "skipped"),
        ...envelopeFindings(cells),
        ...callFindings(result),
        ...agreementFindings(result),
        ...predictionFindings(cells),
      ],
      { isFault: false },
    ),
  ];
  return { exitCode: faults.length > 0 ? 1 : 0, sentences: [...faults, ...findings] };
}

function sentences(texts: readonly string[], kind: Omit<Verdict, "text">): Verdict[] {
  return texts.map((text) => ({ text, ...kind }));
}

/** In one sentence how the checks ended; nothing where there are none. */
function tallies({ checks, status }: Result): string[] {
  const missing = status === "complete" ? "" : ", of those that ended";
  return checks.length === 0 ? [] : [`${checkTally(checks)}${missing}.`];
}

/** How the steps of a procedure ended, and what the audit trail has of them. */
function stepTallies({ steps, kmsEvents }: Result): string[] {
  if (steps.length === 0) return [];
  const refused = kmsEvents.filter(({ errorCode }) => errorCode !== null).length;
  const of = (verdict: StepResult["verdict"]) => steps.filter((step) => step.verdict === verdict).length;
  const others = (["refused", "failed", "skipped"] as const)
    .filter((verdict) => of(verdict) > 0)
    .map((verdict) => `${of(verdict)} ${verdict}`);
  return [
    `${[`${of("verified")} of ${steps.length} steps verified`, ...others].join(", ")}.`,
    ...(kmsEvents.length === 0 ? [] : [`The audit trail shows ${kmsEvents.length} KMS calls, ${refused} of them ended with an error.`]),
  ];
}

export function isStepFault({ verdict }: StepResult): boolean {
  return verdict === "refused" || verdict === "failed";
}

/** What a step that is not verified says of itself. */
export function stepSentence({ id, verdict, title, reason }: StepResult): string {
  return `${id} ${verdict}: ${reason ?? title}`;
}

/** What a threshold says of the run. */
export function thresholdSentence({ expression, holds, measured }: Threshold): string {
  return `The threshold ${expression} ${holds ? "holds" : "does not hold"}: ${measured}.`;
}

/** Why a run as a whole is not right: it did not end as it should, or it has nothing to show. */
export function runFaults({ status, fault, cells, checks, steps, plan, header }: Result): string[] {
  const faults = status === "complete" ? [] : [fault ?? `The run is ${status}.`];
  if (plan !== null) return [...faults, ...plan.stated.filter(({ holds }) => !holds).map(statedSentence)];
  if (cells.length > 0 || steps.length > 0 || checks.some((check) => check.verdict === "pass" || isFault(check, header))) return faults;
  if (checks.some(({ verdict }) => verdict === "fail" || verdict === "inconclusive")) return [...faults, "No check passed."];
  return [...faults, header.command === "bench" ? "Nothing was measured." : "Nothing was checked."];
}

/** A limit that was stated for a plan and that its prediction breaks. */
function statedSentence({ expression, told }: Plan["stated"][number]): string {
  return `By the prediction the limit "${expression}" does not hold: ${told}.`;
}

/**
 * Whether a check's answer makes the run a failure: a MUST that fails or that could not be judged, since there is no being right without an
 * answer; a SHOULD only in a strict run.
 */
export function isFault({ verdict, level }: CheckResult, { strict }: Pick<Result["header"], "strict">): boolean {
  return (verdict === "fail" || verdict === "inconclusive") && (level === "MUST" || strict);
}

/** `81 of 87 checks pass, 4 fail (1 MUST), 2 do not apply`. */
export function checkTally(checks: readonly CheckResult[]): string {
  const others = (["fail", "inconclusive", "not-applicable", "skipped"] as const).flatMap((verdict) => {
    const found = checks.filter((check) => check.verdict === verdict);
    const must = found.filter(({ level }) => level === "MUST").length;
    const weight = verdict === "fail" || verdict === "inconclusive" ? ` (${must} MUST)` : "";
    return found.length === 0 ? [] : [`${found.length} ${verb(verdict, found.length)}${weight}`];
  });
  return [`${checks.filter(({ verdict }) => verdict === "pass").length} of ${checks.length} checks pass`, ...others].join(", ");
}

/** What a check that does not pass says of itself, in a sentence. */
export function checkSentence({ id, level, verdict, title, reason }: CheckResult): string {
  return `${id} (${level}) ${verb(verdict, 1)}: ${reason ?? title}`;
}

/** Checks without an answer, those together that have the same reason. */
export function byReason(checks: readonly CheckResult[]): CheckResult[][] {
  return [...Map.groupBy(checks, ({ reason }) => reason).values()];
}

const verbs: Readonly<Record<CheckVerdict, readonly [one: string, many: string]>> = {
  pass: ["passes", "pass"],
  fail: ["fails", "fail"],
  "not-applicable": ["does not apply", "do not apply"],
  skipped: ["was skipped", "were skipped"],
  inconclusive: ["could not be judged", "could not be judged"],
};

function verb(verdict: CheckVerdict, count: number): string {
  return verbs[verdict][count === 1 ? 0 : 1];
}

/** Each failure for itself, then what could not be judged. */
function troubles(checks: readonly CheckResult[]): string[] {
  return [...checks.filter(({ verdict }) => verdict === "fail").map(checkSentence), ...unanswered(checks, "inconclusive")];
}

/** A sentence a reason, so that what concerns many checks is said once. */
function unanswered(checks: readonly CheckResult[], verdict: Exclude<CheckVerdict, "pass" | "fail">): string[] {
  return byReason(checks.filter((check) => check.verdict === verdict)).flatMap((alike) => {
    const [first] = alike;
    if (first === undefined) return [];
    return [alike.length === 1 ? checkSentence(first) : `${alike.length} checks ${verb(verdict, alike.length)}: ${first.reason}`];
  });
}

/** Why a cell is not right; empty where it is. Without a check that was made there is no being right. */
export function cellFaults(cell: Cell): string[] {
  return [...endFaults(cell), ...envelopeFaults(cell), ...requestFaults(cell), ...agreementFaults(cell), ...predictionFaults(cell)];
}

/** It ended early, or has nothing to show. */
export function endFaults({ fault, phases }: Cell): string[] {
  return [...(fault === null ? [] : [fault]), ...(phases.length === 0 ? ["Nothing was measured."] : [])];
}

export function envelopeFaults({ envelopes }: Cell): string[] {
  if (envelopes === null) return [];
  const wrongCount = envelopes.total - envelopes.right;
  const [first] = envelopes.wrong;
  const example = first === undefined ? "" : ` The first is ${first.key}: ${first.reason}`;
  if (envelopes.total === 0) return ["No envelope was there to check."];
  return wrongCount > 0 || first !== undefined ? [`${wrongCount} of ${envelopes.total} envelopes are wrong.${example}`] : [];
}

/** Requests that failed where failing is not what the phase measures. */
export function requestFaults({ phases }: Cell): string[] {
  return phases.flatMap(({ name, requests, failures, expectsFailures }) => {
    if (requests.failed === 0 || expectsFailures) return [];
    const [most] = failures;
    const example = most === undefined ? "" : ` Most often: ${most.status === 0 ? "" : `${most.status} `}${most.message}`;
    return [`${requests.failed} of ${requests.due} requests of the phase ${name} failed.${example}`];
  });
}

/** Counts of the tap that are not the API server's own, or that nothing was compared with. */
export function agreementFaults(cell: Cell): string[] {
  const faults = cell.phases.flatMap(({ name, agreements }) =>
    agreements
      .filter(disagrees)
      .map(
        ({ what, tap, server }) => `The counts do not agree in the phase ${name}: ${what}, ${tap} at the tap, ${server} at the API server.`,
      ),
  );
  return hasTap(cell) && agreementsOf(cell).length === 0
    ? [...faults, "No count of the tap was compared with the API server's own."]
    : faults;
}

/** Counts that are not what the model makes of the scenario. */
export function predictionFaults({ phases }: Cell): string[] {
  return phases.flatMap(({ name, predictions }) =>
    predictions
      .filter((each) => !isPredicted(each))
      .map(
        (each) =>
          `The model predicts something else in the phase ${name}: ${each.what}, ${each.seen} seen, ${predictedRange(each)} predicted.`,
      ),
  );
}

/** Whether a tap stood before a KMS plugin that the cell used. */
export function hasTap(cell: Cell): boolean {
  return isKms(cell) && cell.phases.some(({ kms }) => kms !== null);
}

export function disagrees({ tap, server }: Agreement): boolean {
  return tap !== server;
}

/** Calls of a method that did work: KMS v1's health probes are not among them. */
export function workCalls({ kms }: Phase, method: string): number {
  const counted = kms?.[method];
  return counted === undefined ? 0 : counted.calls - counted.probes;
}

function envelopeFindings(cells: readonly Cell[]): string[] {
  const checks = cells.flatMap(({ envelopes }) => envelopes ?? []);
  const total = sum(checks.map((check) => check.total));
  return total === 0 ? [] : [`${sum(checks.map((check) => check.right))} of ${total} envelopes conform.`];
}

/** What a restart costs, and what a write costs: the two figures that tell KMS v1 and v2 apart. */
function callFindings({ cells, header }: Result): string[] {
  const source = header.target?.isModel === true ? ", in the model" : "";
  // The other benchmarks say in a finding of their own what they found.
  const ofLifecycle = cells.filter(({ benchmark }) => benchmark === "lifecycle");
  return ofLifecycle.filter(isKms).flatMap((cell) => {
    const parts = restartFindings(cell);
    const write = tapped(cell, ["write"]);
    if (write.length > 0) {
      const writes = sum(write.map(({ requests }) => requests.ok));
      parts.push(`${writes} writes cost ${callWords(sum(write.map((phase) => workCalls(phase, "Encrypt"))), "Encrypt")}`);
    }
    return parts.length === 0 ? [] : [`${cellName(cell)}${source}: ${parts.join("; ")}.`];
  });
}

/** The API server's own reads while it starts and the clients' first reads after it cost apart, and only together say what a restart does. */
function restartFindings(cell: Cell): string[] {
  const decrypts = (phases: readonly Phase[]) => callWords(sum(phases.map((phase) => workCalls(phase, "Decrypt"))), "Decrypt");
  const restart = tapped(cell, ["restart"]);
  const cold = tapped(cell, ["cold"]);
  const reads = `the ${sum(cold.map(({ requests }) => requests.ok))} first reads`;
  if (restart.length === 0) return cold.length === 0 ? [] : [`${reads} cost ${decrypts(cold)}`];
  const finding = `a restart cost ${decrypts(restart)}`;
  return [cold.length === 0 ? finding : `${finding}, and ${reads} after it ${decrypts(cold)}`];
}

/** `no Decrypt call`, `1 Decrypt call`, `10 Decrypt calls`. */
function callWords(calls: number, method: string): string {
  return `${calls === 0 ? "no" : calls} ${method} ${calls > 1 ? "calls" : "call"}`;
}

function agreementFindings({ cells, header }: Result): string[] {
  const agreements = cells.flatMap(agreementsOf);
  if (agreements.length === 0 || agreements.some(disagrees)) return [];
  const server = header.target?.isModel === true ? "the model" : "kube-apiserver";
  return [
    `The tap and ${server} agree on ${agreements.length === 1 ? "the one count" : `all ${agreements.length} counts`} that both made.`,
  ];
}

function predictionFindings(cells: readonly Cell[]): string[] {
  const predictions = cells.flatMap(({ phases }) => phases.flatMap((phase) => phase.predictions));
  if (predictions.length === 0 || !predictions.every(isPredicted)) return [];
  const ranges = predictions.filter(({ least, most }) => least !== most).length;
  const exact = predictions.length - ranges;
  const parts = [...(exact === 0 ? [] : [`${exact} exactly`]), ...(ranges === 0 ? [] : [`${ranges} within its range`])];
  return [`What was counted is what the model predicts: ${parts.join(", ")}.`];
}

function isPredicted({ seen, least, most }: Prediction): boolean {
  return seen >= least && seen <= most;
}

function predictedRange({ least, most }: Prediction): string {
  return least === most ? String(least) : `${least} to ${most}`;
}

/** What a reader would otherwise take for checked or measured. */
function omissions({ cells, header }: Result): string[] {
  return cells.flatMap((cell) => {
    const name = cellName(cell);
    // The others check them always or never, and say which.
    const unread = cell.envelopes === null && cell.benchmark === "lifecycle" ? [`${name}: the stored values were not checked.`] : [];
    const untapped =
      header.target !== null && isKms(cell) && cell.phases.every(({ kms }) => kms === null)
        ? [`${name}: no tap stood before the KMS plugin.`]
        : [];
    const dropped = cell.phases
      .filter(({ requests }) => requests.dropped > 0)
      .map(
        ({ name: phase, requests }) =>
          `${name}: ${requests.dropped} of ${requests.due} requests of the phase ${phase} were due and never sent.`,
      );
    return [...unread, ...untapped, ...dropped];
  });
}

/** Whether a KMS plugin had a part in the cell. */
export function isKms({ provider }: Cell): boolean {
  return provider === "kms-v1" || provider === "kms-v2";
}

function tapped({ phases }: Cell, names: readonly PhaseName[]): Phase[] {
  return phases.filter(({ name, kms }) => kms !== null && names.includes(name));
}

export function agreementsOf({ phases }: Cell): Agreement[] {
  return phases.flatMap(({ agreements }) => agreements);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
