import { comparisonChecksCsv } from "./comparison-checks-csv.ts";
import { comparisonCsv } from "./comparison-csv.ts";
import { comparisonHtml } from "./comparison-html.ts";
import { comparisonJson } from "./comparison-json.ts";
import { comparisonMarkdown } from "./comparison-markdown.ts";

export { renderComparison } from "./comparison-terminal.ts";

/** Every report of a comparison that is a file. */
export const comparisonReporters = [comparisonJson, comparisonMarkdown, comparisonHtml, comparisonCsv, comparisonChecksCsv] as const;
