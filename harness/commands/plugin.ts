import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { pino } from "pino";
import { startPlugin } from "../../plugins/index.ts";
import { rotateKeyFile } from "../../plugins/local-key-file.ts";
import { providerChoiceOf } from "../../plugins/provider-choice.ts";
import { systemClock } from "../clock.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { providerWordsOf, withProviderFlags } from "./provider-flags.ts";

const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

/** `kmsmark plugin`: serves the bundled KMS plugin until it is told to stop. `kmsmark plugin rotate`: adds a key version. */
export const command = defineCommand({
  usage: "plugin [action]",
  summary: "Serves the bundled KMS plugin on a Unix socket, or rotates its key.",
  examples: [
    { line: "kmsmark plugin --socket /run/kms.sock --key-file keys.json", does: "serves KMS v2 and v1 with a key kept in keys.json" },
    { line: "kmsmark plugin rotate --key-file keys.json", does: "adds a key version; a plugin that runs notices it" },
  ],
  options: (yargs) =>
    withProviderFlags(yargs)
      .positional("action", { choices: ["serve", "rotate"] as const, default: "serve" as const, describe: "What to do." })
      .option("socket", { type: "string", describe: "Path of the Unix socket to serve on." })
      .option("metrics", { type: "string", describe: "HOST:PORT on loopback for /metrics, /healthz and /readyz." })
      .option("log-level", { choices: logLevels, default: "info" as const, describe: "What is logged to stderr; debug has a line a call." })
      .option("json", { type: "boolean", default: false, describe: "Answer in JSON." }),
  async run(given, context) {
    const { action, socket, provider, metrics, json, "log-level": level } = given;
    const choice = providerChoiceOf(provider, providerWordsOf(given), context.environment);
    if (action === "rotate") {
      if (choice.name === "local") return rotate(choice.keyFile, json, context);
      throw new UsageError("cannot-rotate", `The keys of the provider ${provider} are rotated in its KMS.`);
    }
    if (socket === undefined) throw new UsageError("no-socket", "Say with --socket where to serve.");
    keepPausesShort();

    const log = pino({ level, base: null }, context.stderr);
    await using plugin = await startPlugin({
      socket,
      provider: choice,
      log,
      ...(metrics === undefined ? {} : { metrics }),
    });
    const reload = () => void plugin.reload();
    process.on("SIGHUP", reload);
    using _listener = { [Symbol.dispose]: () => process.off("SIGHUP", reload) };

    const ready = { ready: true, socket: plugin.socket, provider, metrics: plugin.metricsUrl, pid: process.pid };
    const sentence = `Serving KMS v2 and v1beta1 with the provider ${provider} on ${plugin.socket}.`;
    context.stdout.write(`${json ? JSON.stringify(ready) : sentence}\n`);
    if (!context.signal.aborted) await once(context.signal, "abort");
    return 0;
  },
});

/**
 * Every call leaves an object of OpenSSL behind, which the collector has to finalize; in a young generation that has grown to its 16 MiB those are so many that
 * each pause takes milliseconds and makes the p99 of 128 calls in flight twice that of a plugin in Go. One that does not grow is collected more often, for less.
 */
function keepPausesShort(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

async function rotate(keyFile: string, json: boolean, { stdout }: CommandContext): Promise<0> {
  const { keys } = await rotateKeyFile(keyFile, systemClock);
  const newest = keys.at(-1);
  stdout.write(
    json
      ? `${JSON.stringify({ keys: keys.length, created: newest?.created })}\n`
      : `${keyFile} has ${keys.length} key versions now; the new one encrypts.\n`,
  );
  return 0;
}
