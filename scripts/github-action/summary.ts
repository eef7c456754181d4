import { appendFileSync } from "node:fs";
import { fromGitHub } from "./job.ts";
import { summaryOf } from "./summary-text.ts";

/** GitHub takes 1 MiB of summary from a step. */
const bytesMax = 1024 * 1024;

appendFileSync(fromGitHub("GITHUB_STEP_SUMMARY"), `${summaryOf(bytesMax)}\n`);
