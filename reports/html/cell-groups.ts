import { parameterWords } from "../../harness/run/fold.ts";
import type { BenchProvider, Result } from "../../harness/run/schema.ts";
import type { Kind, Tone } from "../charts/chart.ts";
import { type CellRows, sectionsOf } from "../rounds.ts";

/** Cells that differ in nothing but the provider: what one chart can hold side by side. */
export interface CellGroup {
  /** Of nothing else in the run, and fit for an element's id. */
  readonly id: string;
  /** `500 secrets`, `size, 10 secrets, secretBytes 64`; empty where the run has no other group and the benchmark no number of Secrets. */
  readonly title: string;
  readonly benchmark: string;
  readonly secrets: number;
  readonly rows: readonly CellRows[];
}

/** The groups of a run, in its order. @throws RunFolderError `histogram-unreadable` where a histogram of several rounds is damaged */
export function cellGroups(result: Result): CellGroup[] {
  return sectionsOf(result)
    .flatMap(({ title, rows }) =>
      [...Map.groupBy(rows, ({ parameters }) => parameterWords(parameters).join(", "))].flatMap(([words, ofGroup]) => {
        const [first] = ofGroup;
        if (first === undefined) return [];
        const name = [title, words].filter((part) => part !== "").join(", ");
        return [{ title: name, benchmark: first.benchmark, secrets: first.secrets, rows: ofGroup }];
      }),
    )
    .map((group, at) => ({ ...group, id: `g${at + 1}` }));
}

/** The group in which figures are largest of each benchmark: what a reader is shown first. */
export function isLargest({ benchmark, secrets }: CellGroup, groups: readonly CellGroup[]): boolean {
  return groups.every((other) => other.benchmark !== benchmark || other.secrets <= secrets);
}

/** What was measured on a model of the API server is drawn as a model's. */
export function measuredKind({ header: { target } }: Result): Kind {
  return target?.isModel === true ? "model" : "measured";
}

/** A provider has one colour on the whole page. */
export const providerTones: Readonly<Record<BenchProvider, Tone>> = {
  identity: "grey",
  "kms-v2": "blue",
  "kms-v1": "vermilion",
  aescbc: "amber",
  aesgcm: "green",
  secretbox: "purple",
};
