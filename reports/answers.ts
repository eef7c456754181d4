import { type ProviderCost, providerCosts } from "../harness/compare/provider-cost.ts";
import type { BenchProvider, Result } from "../harness/run/schema.ts";
import { type Verdict, verdicts } from "../harness/run/verdict.ts";
import { formatNs } from "./units.ts";

/** A sentence of what a run answers, as a reader who reads nothing else should have it. */
export interface Answer {
  readonly text: string;
  /** `fault`: a reason for exit code 1. `caution`: what keeps a reader from trusting, or from taking for measured or checked. */
  readonly tone: "fault" | "caution" | "plain";
  /** Whose finding it is; null where it is none of a benchmark. */
  readonly benchmark: string | null;
  /** True where it tells of checks or steps that reports show in full besides. */
  readonly isShown: boolean;
}

/** So many sentences on what requests take stand at the top; the tables have all. */
const costsMax = 6;

/**
 * What a run answers, the worst news first: faults, what is to be known before the rest is trusted, what providers cost, the findings of the benchmarks,
 * and what is as it should be. Throws RunFolderError `histogram-unreadable` where a histogram is damaged.
 */
export function answersOf(result: Result): Answer[] {
  const { sentences } = verdicts(result);
  const judged = (wanted: (sentence: Verdict) => boolean) => sentences.filter(wanted).map(answerOf);
  const found = result.findings.map(({ benchmark, text }): Answer => ({ text, tone: "plain", benchmark, isShown: false }));
  return [
    ...judged(({ isFault }) => isFault),
    ...judged(({ isFault, isCaution }) => !isFault && isCaution === true),
    ...costAnswers(result),
    ...found,
    ...judged(({ isFault, isCaution }) => !isFault && isCaution !== true),
  ];
}

/** The sentence with the benchmark before it whose finding it is. */
export function answerText({ text, benchmark }: Answer): string {
  return benchmark === null ? text : `${benchmark}: ${text}`;
}

function answerOf({ text, isFault, isCaution, isShown }: Verdict): Answer {
  const tone = isFault ? "fault" : isCaution === true ? "caution" : "plain";
  return { text, tone, benchmark: null, isShown: isShown === true };
}

/** What providers add to requests, the most costly first; what no difference was seen in comes last. What single runs gave is said and not judged. */
function costAnswers(result: Result): Answer[] {
  const isModel = result.header.target?.isModel === true;
  const costs = providerCosts(result);
  const ofRuns = Map.groupBy(costs.filter(isOfSingleRuns), ({ phase, secrets, parameters }) => [phase, secrets, ...parameters].join());
  const judged = costs.filter((cost) => !isOfSingleRuns(cost)).toSorted((a, b) => weight(b) - weight(a));
  const texts = [...judged.map((cost) => costSentence(cost, isModel)), ...[...ofRuns.values()].map((of) => runsSentence(of, isModel))];
  const shown = texts.slice(0, costsMax);
  const hidden = texts.length - shown.length;
  const more = hidden > 0 ? [`The tables say as much of ${hidden} more ${hidden === 1 ? "request" : "requests"}.`] : [];
  return [...shown, ...more].map((text) => ({ text, tone: "plain", benchmark: null, isShown: false }));
}

/** How far one run is from the next of the same, no single run can tell. */
function isOfSingleRuns({ compared: { basis, verdict }, isBelowFloor }: ProviderCost): boolean {
  return basis !== "rounds" && verdict !== "not judged" && !isBelowFloor;
}

/** The medians of single runs beside identity's: figures, and no verdict. */
function runsSentence(costs: readonly ProviderCost[], isModel: boolean): string {
  const [first] = costs;
  if (first === undefined) return "";
  const { phase, compared } = first;
  const facts = conditions(first, ["one run each, with what chance made of it"], isModel);
  const others = costs.map(({ provider, compared: { other, ratio } }) => {
    const change = ratio === null ? "" : ` (${signed(ratio.value)} %)`;
    return `${medianText(other?.value)} with ${providerWords(provider)}${change}`;
  });
  const request = requestWords[phase];
  return `At the median ${request} took ${[`${medianText(compared.base?.value)} with identity`, ...others].join(", ")} (${facts.join("; ")}).`;
}

/** What can be told stands before what cannot, and more cost before less. */
function weight({ compared: { verdict, ratio }, isBelowFloor }: ProviderCost): number {
  if (isBelowFloor || verdict === "not judged") return -2;
  return verdict === "higher" || verdict === "lower" ? (ratio?.value ?? 0) : -1;
}

const requestWords: Readonly<Record<ProviderCost["phase"], string>> = {
  write: "a write",
  read: "a read",
  cold: "the first read after a restart",
};

/** How a provider is called in a sentence. */
function providerWords(provider: BenchProvider): string {
  if (provider === "kms-v1") return "KMS v1";
  return provider === "kms-v2" ? "KMS v2" : provider;
}

/** From this ratio on a reader understands a factor better than a percentage. */
const factorMin = 2;

function costSentence(cost: ProviderCost, isModel: boolean): string {
  const { provider, phase, compared } = cost;
  const { base, other, ratio, verdict } = compared;
  const [name, request] = [providerWords(provider), requestWords[phase]];
  const facts = [
    `${medianText(base?.value)} with identity, ${medianText(other?.value)}`,
    ...conditions(cost, cost.isBelowFloor || verdict === "not judged" ? [] : intervalTexts(cost), isModel),
  ];
  const basis = `(${facts.join("; ")})`;
  if (cost.isBelowFloor)
    return `What ${name} adds to ${request} cannot be told, because it is too near the client's own round trip ${basis}.`;
  if (verdict === "not judged") return `What ${name} adds to ${request} cannot be told, because ${compared.reason} ${basis}.`;
  if (ratio === null || (verdict !== "higher" && verdict !== "lower")) {
    return `No difference seen between ${name} and identity in ${request} at the median ${basis}.`;
  }
  if (ratio.value >= factorMin) return `${name} made ${request} take ${ratio.value.toFixed(1)} times as long at the median ${basis}.`;
  return verdict === "higher"
    ? `${name} added ${percentText(ratio.value - 1)} % to ${request} at the median ${basis}.`
    : `${name} took ${percentText(1 - ratio.value)} % off ${request} at the median ${basis}.`;
}

/** What figures were measured with, what they rest on, and whether they are a model's. */
function conditions({ secrets, parameters }: ProviderCost, basis: readonly string[], isModel: boolean): string[] {
  return [...(secrets > 0 ? [`${secrets} Secrets`] : []), ...parameters, ...basis, ...(isModel ? ["a model's figures"] : [])];
}

function medianText(ns: number | undefined): string {
  return ns === undefined ? "nothing" : formatNs(ns);
}

function intervalTexts({ compared: { ratio }, rounds }: ProviderCost): string[] {
  if (ratio === null || ratio.low === null || ratio.high === null) return [];
  return [`95 % interval ${signed(ratio.low)} % to ${signed(ratio.high)} %, ${rounds} rounds`];
}

function signed(ratio: number): string {
  const text = percentText(Math.abs(ratio - 1));
  if (Number(text) === 0) return "0";
  return `${ratio < 1 ? "−" : "+"}${text}`;
}

/** A share in percent: one decimal below ten. */
function percentText(share: number): string {
  const percent = share * 100;
  return percent < 9.95 ? String(Number(percent.toFixed(1))) : percent.toFixed(0);
}
