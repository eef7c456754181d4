import { renderTerminal } from "../../reports/index.ts";
import { json } from "../../reports/json.ts";
import { defineCommand } from "../command.ts";
import { readRun } from "../run/read-run.ts";
import { writeReports } from "./write-reports.ts";

export const command = defineCommand({
  usage: "report <run>",
  summary: "Makes the reports of a run again, from its folder alone.",
  examples: [
    { line: "kmsmark report runs/2026-11-23T23-55-01-bench", does: "shows the run and writes its reports anew" },
    { line: "kmsmark report runs/2026-11-23T23-55-01-bench --json", does: "prints the result for machines" },
  ],
  options: (yargs) =>
    yargs
      .positional("run", { type: "string", demandOption: true, describe: "The folder of the run" })
      .option("json", { type: "boolean", default: false, describe: "Print the result as JSON" }),
  async run(given, { stdout, columns }) {
    const result = await readRun(given.run);
    await writeReports(given.run, result);
    stdout.write(given.json ? json.render(result) : renderTerminal(result, columns));
    // The reports are made, whatever they say: the verdict on the run was given when it ran.
    return 0;
  },
});
