import { planTables } from "../plan.ts";
import { planCurves } from "../plan-curves.ts";
import type { Section, Sections } from "./section.ts";
import { table } from "./table.ts";

/** What a plan predicts; a prediction's curves are dashed. */
export const planSections: Sections = ({ plan }) => {
  if (plan === null) return [];
  const tables = planTables(plan).map(
    ({ title, table: content }, at): Section => ({
      id: `plan-${at + 1}`,
      title,
      parts: [`<div class="plan">${table(title, content)}</div>`],
    }),
  );
  const curves = planCurves(plan);
  if (curves === "") return tables;
  return [{ id: "plan-curves", title: `Over ${plan.sweep?.name ?? ""}: a prediction`, parts: [curves] }, ...tables];
};
