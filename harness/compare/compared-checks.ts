import type { ComparedCheck } from "../run/comparison.ts";
import type { CheckResult } from "../run/schema.ts";

/** The checks of two runs side by side, in the order of the first run; what only the second has follows. */
export function comparedChecks(base: readonly CheckResult[], other: readonly CheckResult[]): ComparedCheck[] {
  const [ofBase, ofOther] = [base, other].map((checks) => new Map(checks.map((check) => [check.id, check])));
  const all = new Map([...other, ...base].map((check) => [check.id, check]));
  const ids = new Set([...base, ...other].map(({ id }) => id));
  return [...ids].flatMap((id) => {
    const check = all.get(id);
    if (check === undefined) return [];
    const { area, level, title } = check;
    return [{ id, area, level, title, base: endOf(ofBase?.get(id)), other: endOf(ofOther?.get(id)) }];
  });
}

function endOf(check: CheckResult | undefined): ComparedCheck["base"] {
  if (check === undefined) return null;
  const { verdict, reason, evidence } = check;
  const received = verdict === "fail" ? evidence[0]?.received : undefined;
  return { verdict, told: reason ?? received ?? null };
}
