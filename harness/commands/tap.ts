import { existsSync } from "node:fs";
import type { Column } from "../../reports/column.ts";
import { type Surface, surfaceOf, table } from "../../reports/layout.ts";
import { formatMs } from "../../reports/units.ts";
import { systemClock } from "../clock.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { KmsmarkError, UsageError } from "../errors.ts";
import { parseFault } from "../kms/fault-syntax.ts";
import { startTap, type Tap } from "../kms/tap.ts";
import type { TapRecord } from "../kms/tap-record.ts";
import { type CallSummary, TapSummary } from "../kms/tap-summary.ts";
import { Random } from "../random.ts";
import { cut, Display } from "../run/display.ts";
import { lookOf } from "../run/look.ts";
import { SampleFile, tapRecordColumns } from "../run/samples.ts";

/** How often records are fetched, written down and shown. */
const stepMs = 1000;

/** `kmsmark tap`: stands between an API server and a plugin until it is told to stop, then says what it saw. */
export const command = defineCommand({
  usage: "tap",
  summary: "Stands between an API server and any KMS plugin: counts, times, records and disturbs the calls.",
  examples: [
    { line: "kmsmark tap --listen unix:///run/tap.sock --plugin unix:///run/kms.sock", does: "counts and times every call" },
    {
      line: "kmsmark tap --listen /run/tap.sock --plugin /run/kms.sock --fault 'Encrypt:latency=exp(20ms)' --record calls.csv",
      does: "makes Encrypt slow and writes every call down",
    },
  ],
  repeatable: ["fault"],
  options: (yargs) =>
    yargs
      .option("listen", { type: "string", demandOption: true, describe: "The socket to serve on; it is what the API server is told." })
      .option("plugin", { type: "string", demandOption: true, describe: "The plugin's own socket; it may come later." })
      .option("fault", {
        type: "string",
        array: true,
        default: [] as string[],
        describe: "METHOD:latency=…|error=…|hang|cut[:every=N][:p=0.1][:from=60s][:to=240s]; may be given several times.",
      })
      .option("record", { type: "string", describe: "A CSV file that gets a row a call." })
      .option("seed", { type: "string", default: "tap", describe: "Repeats the faults' random choices." })
      .option("json", { type: "boolean", default: false, describe: "Answer in JSON." }),
  async run({ listen, plugin, fault, record, seed, json }, context) {
    const faults = fault.map(parseFault);
    if (record !== undefined && existsSync(record)) {
      throw new UsageError("record-exists", `${record} is there already.`, { hint: "Name another file with --record." });
    }
    await using tap = await startTap({ listen, upstream: plugin, faults, random: new Random(seed) });
    const ready = { ready: true, socket: tap.socket, plugin, seed, pid: process.pid };
    context.stdout.write(json ? `${JSON.stringify(ready)}\n` : `Serving on ${tap.socket}, in front of ${plugin}.\n`);

    const summary = new TapSummary();
    await watch(tap, summary, record === undefined ? undefined : new SampleFile<TapRecord>(record, tapRecordColumns), json, context);
    const problems = await tap.problems();
    context.stdout.write(
      json
        ? `${JSON.stringify({ calls: summary.toJson(), problems })}\n`
        : `${renderTable(summary, surfaceOf(context.columns, lookOf(context.stdout, context.environment).paint))}\n`,
    );
    return 0;
  },
});

/** Fetches what the tap records until the command is interrupted, and once more then. */
async function watch(
  tap: Tap,
  summary: TapSummary,
  file: SampleFile<TapRecord> | undefined,
  json: boolean,
  { signal, stderr, environment }: CommandContext,
): Promise<void> {
  // With --json only the summary is left out: a fault is told all the same.
  using display = Display.on(stderr, { quiet: false, environment, clock: systemClock });
  const said = new Set<string>();
  const say = (sentence: string) => {
    if (said.has(sentence)) return;
    said.add(sentence);
    display.say(`kmsmark: ${sentence}`);
  };
  for (let isLast = false; ; isLast = signal.aborted) {
    const records = await tap.drain();
    for (const record of records) {
      summary.add(record);
      file?.append(record);
    }
    try {
      await file?.flush();
    } catch (thrown) {
      // The API server needs the tap more than anybody needs the file.
      if (!(thrown instanceof KmsmarkError)) throw thrown;
      say(thrown.message);
    }
    for (const problem of await tap.problems()) say(problem);
    if (isLast) break;
    if (!json) {
      const inFlight = await tap.inFlight();
      const line = `${summary.sentence(records.length / (stepMs / 1000))}, ${inFlight} in flight`;
      display.show((width) => [cut(line, width, display.look)]);
    }
    // The interruption ends the wait, and is no fault here.
    await systemClock.sleep(stepMs, signal).catch(() => {});
  }
}

function renderTable(summary: TapSummary, surface: Surface): string {
  const lines = summary.toJson().map((row) => ({ label: `${row.kms} ${row.method}`, row }));
  return lines.length === 0 ? "No call came." : table({ title: "call", columns: callColumns, lines }, surface).join("\n");
}

const callColumns: readonly Column<CallSummary>[] = [
  { title: "calls", rank: 1, of: ({ calls }) => String(calls) },
  { title: "failed", rank: 2, of: ({ failed }) => String(failed), tone: ({ failed }) => (failed > 0 ? "doubt" : undefined) },
  { title: "probes", rank: 4, of: ({ probes }) => String(probes) },
  { title: "p50", rank: 2, of: ({ p50Ms }) => formatMs(p50Ms) },
  { title: "p99", rank: 3, of: ({ p99Ms }) => formatMs(p99Ms) },
  { title: "max", rank: 5, of: ({ maxMs }) => formatMs(maxMs) },
];
