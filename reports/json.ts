import type { Reporter } from "./reporter.ts";

/** The result itself, `result.json`, as `harness/run/schema.ts` describes it. */
export const json = {
  id: "json",
  file: "result.json",
  render: (result) => `${JSON.stringify(result, null, 2)}\n`,
} satisfies Reporter;
