import { type CheckArea, type CheckResult, type CheckVerdict, checkAreas, type Result } from "../harness/run/schema.ts";
import { isFault } from "../harness/run/verdict.ts";
import type { Table } from "./tables.ts";

/** How a verdict is written: `n/a` where it would be long. */
export const verdictWords: Readonly<Record<CheckVerdict, string>> = {
  pass: "pass",
  fail: "FAIL",
  "not-applicable": "n/a",
  skipped: "skipped",
  inconclusive: "inconclusive",
};

/** What somebody has to look at: the faults first, then what advises, each in the order in which it ran. */
export function troubled({ checks, header }: Result): CheckResult[] {
  const found = checks.filter(({ verdict }) => verdict === "fail" || verdict === "inconclusive");
  return [...found.filter((check) => isFault(check, header)), ...found.filter((check) => !isFault(check, header))];
}

/** The checks of each area that has any. */
export function byArea(checks: readonly CheckResult[]): [CheckArea, CheckResult[]][] {
  return checkAreas.flatMap((area) => {
    const ofArea = checks.filter((check) => check.area === area).sort((a, b) => a.id.localeCompare(b.id));
    return ofArea.length === 0 ? [] : [[area, ofArea]];
  });
}

/** Why checks gave no answer, each reason once, with the checks that it stands for. */
export function reasons(checks: readonly CheckResult[]): { readonly reason: string; readonly ids: readonly string[] }[] {
  const found = new Map<string, string[]>();
  for (const { verdict, reason, id } of checks) {
    if (reason !== null && verdict !== "inconclusive") found.set(reason, [...(found.get(reason) ?? []), id]);
  }
  return [...found].map(([reason, ids]) => ({ reason, ids }));
}

/** All checks, area by area. */
export function checkTable(checks: readonly CheckResult[]): Table {
  return {
    first: "suite",
    heads: ["verdict", "check", "level", "invariants", "title"].map((title) => ({ title, holds: "words" })),
    groups: byArea(checks).map(([area, ofArea]) => ({
      name: area,
      rows: ofArea.map(({ id, verdict, level, invariants, title }) => [verdictWords[verdict], id, level, invariants.join(" "), title]),
    })),
  };
}
