import type { Compared, ComparedCheck, Comparison, LimitResult, RunFacts } from "../harness/run/comparison.ts";
import { runCount } from "../harness/run/merge.ts";
import type { Dimension } from "../harness/run/quantity.ts";
import { verdictWords } from "./checks.ts";
import type { Column } from "./column.ts";
import { none } from "./column.ts";
import { formatBytes, formatNs, formatRate } from "./units.ts";

/** What a reader must know before any figure, in sentences: first of all whether the runs are alike. */
export function comparisonContext({ base, other, between, unlike, confidence, compared, notes }: Comparison): string[] {
  const model = [base, other].some(({ target }) => target?.isModel === true);
  const differing = unlike.map((fact) => `${fact.what} (${fact.base} against ${fact.other})`);
  return [
    ...(differing.length === 0
      ? [alikeSentence(base, between !== null)]
      : [`Unlike runs: what differs between them is not only what was to be compared, but ${differing.join("; ")}.`]),
    ...(model ? ["Figures of the target embedded are a model's: it is no kube-apiserver."] : []),
    between === null
      ? `A is ${runName(base)}, B is ${runName(other)}${compared.length === 0 ? "" : "; they did not run in turn, so what changed on the machine between them is in the differences too"}.`
      : `A is ${between.base} and B is ${between.other} in ${runName(base)}${orderWords(base, between.rounds)}; the cells below bear the names of A.`,
    ...(compared.length === 0
      ? []
      : [
          `Intervals are of ${Math.round(confidence * 100)} %, by bootstrap; p is a permutation test's, corrected by Holm for all tests here, and at most ${(1 - confidence).toFixed(2)} where there is a difference.`,
        ]),
    ...notes,
  ];
}

function alikeSentence({ runId }: RunFacts, areOfOne: boolean): string {
  if (!areOfOne) return "The runs are alike in machine, versions, target, plugin, load and seed.";
  const runs = runCount(runId);
  return runs === 1
    ? "The sides are of one run, alike in machine, versions, target, plugin, load and seed."
    : `The sides are of one result that was merged of ${runs} runs: what they differ in stands in the names of the sides and of the cells, and in that result.`;
}

/** How two sides of one run were measured; nothing is known of it where the runs are several. */
function orderWords({ runId }: RunFacts, rounds: number): string {
  if (runCount(runId) > 1) return "";
  return `, measured ${rounds > 1 ? "in turn, round by round" : "one after the other"}`;
}

function runName({ runId, startedAt, kmsmark, plugin }: RunFacts): string {
  return `run ${runId} of ${startedAt} (kmsmark ${kmsmark}, KMS plugin: ${plugin ?? "none"})`;
}

/** What a limit says of the runs. */
export function limitSentence({ expression, verdict, measured }: LimitResult): string {
  return `${limitWords[verdict]}: ${expression}: ${measured}.`;
}

const limitWords: Readonly<Record<LimitResult["verdict"], string>> = {
  kept: "Limit kept",
  regression: "Regression",
  "not judged": "Limit not judged",
};

/** Whether a reader has to look at it. */
export function isWorse({ verdict, worse }: Compared): boolean {
  return worse !== null && verdict === worse;
}

/** Whether it changed, and to the good. */
export function isBetter({ verdict, worse }: Compared): boolean {
  return worse !== null && verdict === (worse === "higher" ? "lower" : "higher");
}

/** How many figures became worse, became better or did not visibly change, in a sentence; none where nothing was compared. */
export function figureSentence(compared: readonly Compared[]): string[] {
  if (compared.length === 0) return [];
  const worse = compared.filter(isWorse).length;
  const better = compared.filter(isBetter).length;
  const same = compared.filter(({ verdict }) => verdict === "no difference seen" || verdict === "equal").length;
  const unjudgedCount = compared.filter(({ verdict }) => verdict === "not judged").length;
  const other = compared.length - worse - better - same - unjudgedCount;
  const parts = [
    ...(worse > 0 ? [`${worse} worse`] : []),
    ...(better > 0 ? [`${better} better`] : []),
    ...(other > 0 ? [`${other} otherwise`] : []),
    ...(same > 0 ? [`no difference seen in ${same}`] : []),
    ...(unjudgedCount > 0 ? [`${unjudgedCount} not judged`] : []),
  ];
  return [`Of ${compared.length} figures: ${parts.join(", ")}.`];
}

/** `+22.3% (+17.0% … +27.5%)`, or the change alone where nothing says how far it varies. */
export function intervalText(compared: Compared): string {
  const interval = intervalOf(compared);
  return interval === none ? changeOf(compared) : `${changeOf(compared)} (${interval})`;
}

/** The compared figures of each cell, in the order of the first run. */
export function byCell(compared: readonly Compared[]): [cell: string, compared: readonly Compared[]][] {
  return [...Map.groupBy(compared, ({ cell }) => cell)];
}

/** The figures that every table of a comparison shows, in this order. */
export const comparedColumns: readonly Column<Compared>[] = [
  { title: "A", rank: 3, of: ({ base, dimension }) => quantity(base?.value, dimension) },
  { title: "B", rank: 2, of: ({ other, dimension }) => quantity(other?.value, dimension) },
  { title: "change", rank: 1, of: changeOf },
  { title: "interval", rank: 4, of: intervalOf },
  { title: "p", rank: 5, of: ({ pAdjusted }) => (pAdjusted === null ? none : formatP(pAdjusted)) },
  { title: "over", rank: 6, of: ({ basis, verdict }) => (verdict === "not judged" ? none : (basis ?? none)) },
  {
    title: "verdict",
    rank: 1,
    of: (compared) => (isWorse(compared) ? compared.verdict.toUpperCase() : compared.verdict),
    tone: (compared) => (isWorse(compared) ? "fault" : undefined),
  },
];

function quantity(value: number | undefined, dimension: Dimension): string {
  if (value === undefined) return none;
  switch (dimension) {
    case "time":
      return formatNs(value);
    case "size":
      return formatBytes(value);
    case "rate":
      return formatRate(value);
    case "count":
      return String(Math.round(value * 1000) / 1000);
  }
}

function changeOf({ base, ratio, difference, dimension }: Compared): string {
  if (ratio !== null) return percent(ratio.value);
  if (base === null || difference === null) return none;
  return difference.value === 0 ? "0%" : `${difference.value < 0 ? "-" : "+"}${quantity(Math.abs(difference.value), dimension)}`;
}

function intervalOf({ ratio }: Compared): string {
  return ratio === null || ratio.low === null || ratio.high === null ? none : `${percent(ratio.low)} … ${percent(ratio.high)}`;
}

function percent(ratio: number): string {
  const change = (ratio - 1) * 100;
  const digits = Math.abs(change) < 99.95 ? 1 : 0;
  const text = change.toFixed(digits);
  return Number(text) === 0 ? "0%" : `${change < 0 ? "" : "+"}${text}%`;
}

function formatP(p: number): string {
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}

/** Which way a check went from the first run to the second; `alone` where one of them does not have it. */
export type CheckTurn = "worse" | "better" | "changed" | "same" | "alone";

/** A check that passed before and does not pass now is worse only where it failed or could not be judged: what does not apply is no failure. */
export function turnOf({ base, other }: ComparedCheck): CheckTurn {
  if (base === null || other === null) return "alone";
  if (base.verdict === other.verdict) return "same";
  if (isBad(other)) return isBad(base) ? "changed" : "worse";
  return isBad(base) && other.verdict === "pass" ? "better" : "changed";
}

function isBad({ verdict }: NonNullable<ComparedCheck["base"]>): boolean {
  return verdict === "fail" || verdict === "inconclusive";
}

/** The checks that ended otherwise, the worse ones first, and of those a MUST before a SHOULD. */
export function changedChecks(checks: readonly ComparedCheck[]): ComparedCheck[] {
  const turns: readonly CheckTurn[] = ["worse", "changed", "better"];
  return turns.flatMap((turn) => {
    const ofTurn = checks.filter((check) => turnOf(check) === turn);
    return [...ofTurn.filter(({ level }) => level === "MUST"), ...ofTurn.filter(({ level }) => level !== "MUST")];
  });
}

/** How the checks of two runs stand to each other, in sentences; none where there are none. */
export function checkSentences(checks: readonly ComparedCheck[]): { readonly text: string; readonly isWorse: boolean }[] {
  if (checks.length === 0) return [];
  const common = checks.filter((check) => turnOf(check) !== "alone");
  const count = (turn: CheckTurn) => common.filter((check) => turnOf(check) === turn).length;
  const changed = common.length - count("same");
  const parts = (["worse", "changed", "better"] as const)
    .filter((turn) => count(turn) > 0)
    .map((turn) => `${count(turn)} ${turnWords[turn]}`);
  const tally =
    changed === 0
      ? `All ${common.length} checks that both runs made ended alike.`
      : `Of ${common.length} checks that both runs made ${changed} ended otherwise: ${parts.join(", ")}.`;
  const alone = (["base", "other"] as const).flatMap((side, at) => {
    const only = checks.filter((check) => check[side] !== null && turnOf(check) === "alone").length;
    return only === 0 ? [] : [`Only ${at === 0 ? "A" : "B"} made ${only} more.`];
  });
  return [{ text: tally, isWorse: count("worse") > 0 }, ...alone.map((text) => ({ text, isWorse: false }))];
}

const turnWords = { worse: "worse", changed: "in another way", better: "better" } as const;

/** How a check ended, as tables show it. */
export function endWord(end: ComparedCheck["base"]): string {
  return end === null ? none : verdictWords[end.verdict];
}

/** Why it ended as it did in the second run, or in the first where it passes now. */
export function whyChanged({ base, other }: ComparedCheck): string {
  return other?.told ?? base?.told ?? none;
}

/** Why some figures are not judged, each reason once, with the figures. */
export function unjudged(compared: readonly Compared[]): string[] {
  return [...Map.groupBy(compared, ({ reason }) => reason)].flatMap(([reason, alike]) => {
    if (reason === null) return [];
    const names = [...new Set(alike.map(({ phase, figure }) => `${phase}.${figure}`))];
    return [`Not judged: ${names.join(", ")}: ${reason}.`];
  });
}
