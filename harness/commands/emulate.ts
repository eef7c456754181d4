import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { emulators } from "../../plugins/emulators.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { durationMsOf } from "../kms/fault-syntax.ts";

const names = Object.keys(emulators);

/** `kmsmark emulate NAME`: serves a local cloud until it is told to stop. */
export const command = defineCommand({
  usage: "emulate [name]",
  summary: "Serves a local cloud, on loopback, for a provider to talk to.",
  examples: [...Object.values(emulators).map(({ example }) => example), { line: "kmsmark emulate --list", does: "says which there are" }],
  repeatable: ["fault"],
  options: (yargs) =>
    yargs
      .positional("name", { choices: names, describe: "Which cloud." })
      .option("list", { type: "boolean", default: false, describe: "Say which there are, and end." })
      .option("port", { type: "number", default: 0, describe: "On 127.0.0.1; 0 takes a free one." })
      .option("state", { type: "string", describe: "A file that keeps it over a restart, with all its keys; mode 0600." })
      .option("region", { type: "string", describe: "The region that it poses as." })
      .option("event-delay", { type: "string", describe: "How long the audit log takes to show a call: 10m, 500ms." })
      .option("fault", {
        type: "string",
        array: true,
        default: [] as string[],
        describe: "OPERATION:latency=…|error=…|hang|reset[:every=N][:p=0.1][:from=60s][:to=240s]; may be given several times.",
      })
      .option("seed", { type: "string", default: "cloud", describe: "Repeats the faults' random choices." })
      .option("json", { type: "boolean", default: false, describe: "Answer in JSON." }),
  async run({ name, list, port, state, region, "event-delay": eventDelay, fault, seed, json }, { stdout, stderr, signal }) {
    if (list) {
      const all = Object.entries(emulators).map(([each, { summary }]) => ({ name: each, summary }));
      stdout.write(json ? `${JSON.stringify(all)}\n` : all.map((each) => `${each.name}  ${each.summary}\n`).join(""));
      return 0;
    }
    const emulator = name === undefined ? undefined : emulators[name];
    if (emulator === undefined)
      throw new UsageError("no-emulator", "Say which cloud to emulate.", { hint: `There is ${names.join(", ")}.` });
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new UsageError("bad-port", "The value of --port is no port.", { hint: "Write a number from 0 to 65535; 0 takes a free one." });
    }
    if (region !== undefined && !/^[a-z0-9-]{1,32}$/.test(region)) {
      throw new UsageError("bad-region", "The value of --region is no name of a region.");
    }
    const eventDelayMs = eventDelay === undefined ? undefined : durationMsOf(eventDelay);
    if (eventDelay !== undefined && eventDelayMs === undefined) {
      throw new UsageError("bad-event-delay", "The value of --event-delay is no duration.", { hint: "Write 500ms, 5s or 10m." });
    }

    // Without a state file all of it ends with the command, the files with credentials too.
    await using folder = state === undefined ? await mkdtempDisposable(join(tmpdir(), "kmsmark-cloud-")) : undefined;
    const fileFor = (file: string) => (folder === undefined ? `${resolve(state ?? "")}.${file}` : join(folder.path, file));
    await using running = await emulator.start({
      port,
      stateFile: state,
      region,
      eventDelayMs,
      faults: fault,
      seed,
      fileFor,
      onDefect: (thrown) => stderr.write(`kmsmark: a defect of the emulator: ${placeOf(thrown)}\n`),
    });
    const ready = {
      ready: true,
      name,
      url: running.url,
      region: running.region,
      ...running.facts,
      pluginWords: running.pluginWords,
      pid: process.pid,
    };
    const sentence = `Serving a local cloud, for tests alone, on ${running.url} in region ${running.region}.`;
    stdout.write(json ? `${JSON.stringify(ready)}\n` : `${[sentence, ...running.lines].join("\n")}\n`);
    if (!signal.aborted) await once(signal, "abort");
    return 0;
  },
});

/** Where something was thrown, and not its message, which may quote what was sent. */
function placeOf(thrown: unknown): string {
  const lines = thrown instanceof Error ? (thrown.stack ?? "").split("\n") : [];
  const first = lines.find((line) => line.startsWith("    at "))?.trim();
  return `${thrown instanceof Error ? thrown.name : "something"} ${first ?? "of unknown origin"}`;
}
