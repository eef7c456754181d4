import { checksCsv } from "./checks-csv.ts";
import { csv } from "./csv.ts";
import { eventsCsv } from "./events-csv.ts";
import { html } from "./html.ts";
import { json } from "./json.ts";
import { junit } from "./junit.ts";
import { markdown } from "./markdown.ts";
import { openmetrics } from "./openmetrics.ts";
import { planCsv } from "./plan-csv.ts";
import { sarif } from "./sarif.ts";
import { stepsCsv } from "./steps-csv.ts";
import { sweepCsv } from "./sweep-csv.ts";

export { renderTerminal } from "./terminal.ts";

/** Every report that is a file of the run folder. */
export const reporters = [json, markdown, html, junit, csv, checksCsv, stepsCsv, eventsCsv, planCsv, sweepCsv, openmetrics, sarif] as const;
