import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { annotate, fromGitHub, InputError, input, inputLines, setOutput } from "./job.ts";
import { answerOf, run } from "./program.ts";

/** How long a plugin's container may take until it listens, s. */
const pluginStartSecondsMax = 60;

interface Plugin {
  /** Where it listens, on this machine. */
  readonly socket: string | undefined;
  stop(): Promise<void>;
}

/** What is wrong with the inputs, all of it. */
function faultsIn(out: string): string[] {
  const command = input("command") ?? "conform";
  const image = input("plugin-image");
  const hasBaseline = input("baseline") !== undefined;
  const faults: readonly (readonly [isFault: boolean, sentence: string])[] = [
    [command !== "conform" && command !== "bench", "The input command takes conform or bench."],
    [suites().some((word) => word.startsWith("-")), "The input suite takes names of suites; options go to args, one a line."],
    [image?.startsWith("-") === true, "The input plugin-image takes the name of an image."],
    [
      image !== undefined && !isAbsolute(socketPath() ?? ""),
      "With plugin-image, plugin-socket takes the path at which the plugin listens in its container, /run/kms/kms.sock.",
    ],
    [image === undefined && inputLines("plugin-args").length > 0, "The input plugin-args goes with plugin-image."],
    [!hasBaseline && inputLines("fail-on").length > 0, "The input fail-on goes with baseline."],
    [hasBaseline && command !== "bench", "The input baseline goes with the command bench."],
    [existsSync(out), "There is something where the input out says that the run goes."],
  ];
  return faults.flatMap(([isFault, sentence]) => (isFault ? [sentence] : []));
}

function suites(): string[] {
  return (input("suite") ?? "").split(/\s+/).filter((word) => word !== "");
}

function socketPath(): string | undefined {
  return input("plugin-socket")?.replace(/^unix:\/\//, "");
}

/** The plugin that the inputs name: somebody's socket, a container of an image, or the bundled one. */
async function startPlugin(): Promise<Plugin> {
  const image = input("plugin-image");
  const socket = socketPath();
  if (image === undefined || socket === undefined) return { socket, stop: async () => {} };
  // Not RUNNER_TEMP: a socket's path has at most 107 bytes.
  const folder = await mkdtemp("/tmp/kmsmark-plugin-");
  await chmod(folder, 0o700);
  const container = basename(folder);
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const how = ["--detach", "--name", container, "--user", user, "--volume", `${folder}:${dirname(socket)}`];
  const stop = async () => {
    await answerOf("docker", ["rm", "--force", "--volumes", container]);
    await rm(folder, { recursive: true, force: true });
  };
  // As this user, so that it may connect to the socket, which is for its owner alone.
  await answerOf("docker", ["run", ...how, image, ...inputLines("plugin-args")]).catch(async (thrown: Error) => {
    // Docker keeps a container that it could not start; there may be no Docker either.
    await stop().catch(() => rm(folder, { recursive: true }));
    throw new InputError(`The plugin's container does not start: ${thrown.message}`);
  });
  const outside = join(folder, basename(socket));
  if (await listens(outside)) return { socket: outside, stop };
  await run("docker", ["logs", "--tail", "20", container]);
  await stop();
  throw new InputError(
    `The plugin's container does not listen on ${socket} within ${pluginStartSecondsMax} s; its last lines stand above.`,
  );
}

async function listens(path: string): Promise<boolean> {
  for (let tries = 0; tries < pluginStartSecondsMax * 4; tries++) {
    if (await connects(path)) return true;
    await sleep(250);
  }
  return false;
}

function connects(path: string): Promise<boolean> {
  return new Promise((done) => {
    const connection = createConnection(path, () => done(true));
    connection.on("connect", () => connection.destroy()).on("error", () => done(false));
  });
}

/** The words of the command, each input being one of them whatever is in it. */
function wordsOf(command: string, out: string, socket: string | undefined): string[] {
  const options: readonly (readonly [option: string, value: string | undefined])[] = [
    ["socket", socket === undefined ? undefined : `unix://${resolve(socket)}`],
    ["kms", input("kms")],
    ["target", input("target")],
    ["kubernetes", input("kubernetes")],
    [command === "conform" ? "etcd-version" : "etcd", input("etcd")],
    ["providers", input("providers")],
    ["secrets", input("secrets")],
    ["config", input("config")],
    ["out", out],
    ...inputLines("threshold").map((condition) => ["threshold", condition] as const),
  ];
  return [
    command,
    ...(suites().length === 0 && command === "conform" ? ["plugin"] : suites()),
    ...options.flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${value}`])),
    ...inputLines("args"),
  ];
}

/** Runs kmsmark with the runner deaf to its output: what a plugin says could look like a command of the runner. */
async function kmsmark(words: readonly string[]): Promise<number> {
  const token = randomBytes(16).toString("hex");
  process.stdout.write(`::stop-commands::${token}\n`);
  try {
    return await run(process.execPath, [input("cli") ?? "", ...words]);
  } finally {
    process.stdout.write(`\n::${token}::\n`);
  }
}

/** Does what the inputs say, and resolves to the exit code. */
async function perform(out: string): Promise<number> {
  const command = input("command") ?? "conform";
  const baseline = input("baseline");
  const failOn = inputLines("fail-on");
  const plugin = await startPlugin();
  try {
    const code = await kmsmark(wordsOf(command, out, plugin.socket));
    if (baseline === undefined || code > 1) return code;
    const compared = await kmsmark(["report", resolve(baseline), out, ...failOn.map((limit) => `--fail-on=${limit}`)]);
    return Math.max(code, compared);
  } finally {
    await plugin.stop();
  }
}

async function main(): Promise<number> {
  const out = resolve(input("out") ?? "kmsmark-run");
  setOutput("run-folder", out);
  const faults = faultsIn(out);
  if (faults.length > 0) throw new InputError(faults.join(" "));
  const code = await perform(out);
  if (existsSync(join(out, "findings.sarif"))) setOutput("sarif", join(out, "findings.sarif"));
  return code;
}

fromGitHub("GITHUB_OUTPUT");
let exitCode = 2;
try {
  exitCode = await main();
} catch (thrown) {
  if (!(thrown instanceof InputError)) throw thrown;
  annotate("error", thrown.message);
} finally {
  // The step that decides comes last, behind what shows the run.
  setOutput("exit-code", `${exitCode}`);
  setOutput("verdict", exitCode === 0 ? "pass" : exitCode === 1 ? "fail" : "error");
}
