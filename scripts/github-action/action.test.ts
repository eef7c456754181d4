import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { root } from "../steps.ts";

const runStep = z.strictObject({
  id: z.string().optional(),
  name: z.string(),
  if: z.string().optional(),
  shell: z.literal("bash"),
  run: z.string(),
  env: z.record(z.string(), z.string()),
});
const usesStep = z.strictObject({
  if: z.string().optional(),
  uses: z.string().regex(/^[\w-]+\/[\w/-]+@v\d+$/),
  with: z.record(z.string(), z.string()),
});
/** What GitHub takes of a composite action, as far as this one has it; every input is documented, and every command has its shell. */
const actionSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  author: z.string(),
  branding: z.strictObject({ icon: z.string(), color: z.string() }),
  inputs: z.record(z.string().regex(/^[a-z-]+$/), z.strictObject({ description: z.string().min(10), default: z.string() })),
  outputs: z.record(z.string(), z.strictObject({ description: z.string().min(10), value: z.string() })),
  runs: z.strictObject({ using: z.literal("composite"), steps: z.array(z.union([runStep, usesStep])) }),
});

const action = actionSchema.parse(parse(readFileSync(join(root, "action.yml"), "utf8")));
const { steps } = action.runs;
const runSteps = steps.filter((step): step is z.infer<typeof runStep> => "run" in step);

describe("action.yml", () => {
  it("lets no input into the text of a command", () => {
    expect(runSteps.length).toBeGreaterThan(4);
    expect(runSteps.filter(({ run }) => run.includes("${{"))).toEqual([]);
  });

  it("uses every input, and no other", () => {
    const used = [...JSON.stringify(steps).matchAll(/inputs\.([a-z-]+)/g)].map(([, name]) => name);
    expect([...new Set(used)].toSorted()).toEqual(Object.keys(action.inputs).toSorted());
  });

  it("is documented with all its inputs and outputs", () => {
    const page = readFileSync(join(root, "docs/ci.md"), "utf8");
    const names = [...Object.keys(action.inputs), ...Object.keys(action.outputs)];
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

let folder: string;
beforeEach(() => {
  // Not os.tmpdir(), which may be too deep for a socket's path.
  folder = mkdtempSync("/tmp/kmsmark-action-");
  for (const name of ["programs", "temp", "work"]) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program on the PATH of the steps, written in JavaScript. */
function stub(name: string, script: string): void {
  const path = join(folder, "programs", name);
  writeFileSync(path, `#!${process.execPath}\nconst words = process.argv.slice(2);\n${script}`);
  chmodSync(path, 0o755);
}

/** Appends what a stub was called with to calls.jsonl. */
const record = (name: string) =>
  `require("node:fs").appendFileSync(${JSON.stringify(join(folder, "calls.jsonl"))}, JSON.stringify([${JSON.stringify(name)}, ...words]) + "\\n");`;

const calls = (): string[][] =>
  existsSync(join(folder, "calls.jsonl"))
    ? readFileSync(join(folder, "calls.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
    : [];

interface Job {
  /** The exit code of each step that ran, by its name. */
  readonly codes: Readonly<Record<string, number>>;
  /** The actions that were used, with their words. */
  readonly used: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly log: string;
  readonly summary: string;
  output(name: string): string;
  /** What ended each output that was set. */
  readonly ends: readonly string[];
}

/**
 * Carries out the steps in their order as the runner does, the actions of others left out.
 * @param cli - what was installed; nothing is, then
 * @param leftOut - steps that are not to be seen here, by their names
 */
async function runJob(
  inputs: Readonly<Record<string, string>>,
  { cli, leftOut = [] }: { readonly cli?: string; readonly leftOut?: readonly string[] } = {},
): Promise<Job> {
  const outputs = new Map<string, string>(cli === undefined ? [] : [["steps.install.outputs.cli", cli]]);
  const codes: Record<string, number> = cli === undefined ? {} : { install: 0 };
  const used: Record<string, Record<string, string>> = {};
  const ends: string[] = [];
  let log = "";
  const expression = (text: string): string => {
    const [, input] = /^inputs\.([a-z-]+)$/.exec(text) ?? [];
    if (input !== undefined) return inputs[input] ?? filled(action.inputs[input]?.default ?? "");
    const [, outcome] = /^steps\.(\w+)\.outcome$/.exec(text) ?? [];
    if (outcome !== undefined) return codes[outcome] === 0 ? "success" : "failure";
    if (text === "github.token") return "a token";
    if (/^steps\.\w+\.outputs\.[\w-]+$/.test(text)) return outputs.get(text) ?? "";
    throw new Error(`The test does not know the expression ${text}.`);
  };
  const filled = (text: string): string => text.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, inner: string) => expression(inner));
  const holds = (condition: string | undefined): boolean =>
    (condition === undefined ? [] : condition.replace(/^\$\{\{ (.*) \}\}$/, "$1").split(" && ")).every((clause) => {
      if (clause === "!cancelled()") return true;
      const [, left = "", operator, right] = /^(\S+) ([!=]=) '(.*)'$/.exec(clause) ?? [];
      return (expression(left) === right) === (operator === "==");
    });
  let failed = false;
  for (const step of steps) {
    // Without a condition a step is left out behind one that failed.
    if (step.if === undefined ? failed : !holds(step.if)) continue;
    if ("run" in step && ((cli !== undefined && step.id === "install") || leftOut.includes(step.name))) continue;
    if ("uses" in step) {
      used[step.uses] = Object.fromEntries(Object.entries(step.with).map(([name, value]) => [name, filled(value)]));
      continue;
    }
    const outputFile = join(folder, "output");
    writeFileSync(outputFile, "");
    const env = {
      PATH: `${join(folder, "programs")}:${process.env["PATH"]}`,
      ...{
        GITHUB_ACTION_PATH: root,
        GITHUB_OUTPUT: outputFile,
        GITHUB_STEP_SUMMARY: join(folder, "summary"),
        RUNNER_TEMP: join(folder, "temp"),
      },
      ...{ GITHUB_EVENT_PATH: join(folder, "event.json"), GITHUB_REPOSITORY: "somebody/plugin", RUNNER_OS: "Linux", RUNNER_ARCH: "X64" },
      TMPDIR: join(folder, "temp"),
      ...Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, filled(value)])),
    };
    const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", step.run], { cwd: join(folder, "work"), env });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    log += stdout + stderr;
    codes[step.id ?? step.name] = code;
    failed ||= code !== 0;
    for (const [, name, end = "", value = ""] of readFileSync(outputFile, "utf8").matchAll(/^(.+)<<(end-\w+)\n([\s\S]*?)\n\2$/gm)) {
      outputs.set(`steps.${step.id}.outputs.${name}`, value);
      ends.push(end);
    }
  }
  const summary = existsSync(join(folder, "summary")) ? readFileSync(join(folder, "summary"), "utf8") : "";
  return { codes, used, log, summary, ends, output: (name) => filled(action.outputs[name]?.value ?? "") };
}

/** A kmsmark that makes a run folder, says something and ends with the code; a comparison finds nothing. */
function stubCli(code = 0): string {
  stub(
    "cli.js",
    `${record("kmsmark")}
    const fs = require("node:fs");
    const out = words.find((word) => word.startsWith("--out="))?.slice(6);
    if (out) { fs.mkdirSync(out); fs.writeFileSync(out + "/summary.md", "# What it measured\\n"); fs.writeFileSync(out + "/findings.sarif", "{}"); }
    if (words[0] === "report") fs.writeFileSync(words[2] + "/comparison.md", "# What changed\\n");
    console.log("::error::a plugin says so");
    process.exitCode = words[0] === "report" ? 0 : ${code};`,
  );
  return join(folder, "programs/cli.js");
}

it("measures, shows the summary, uploads the run, and fails last where a threshold does not hold", async () => {
  writeFileSync(join(folder, "event.json"), JSON.stringify({ pull_request: { number: 7 } }));
  stub("gh", `${record("gh")} process.stdin.pipe(require("node:fs").createWriteStream(${JSON.stringify(join(folder, "body.json"))}));`);
  const job = await runJob({
    command: "bench",
    target: "embedded",
    secrets: "4",
    providers: "kms-v2",
    threshold: "kms-v2.write.p99<1ns\nkms-v2.write.encrypts<=1",
    args: "--closed-loop\n--in-flight=2",
    comment: "true",
    sarif: "true",
  });
  const run = join(folder, "work/kmsmark-run");
  expect(job.codes, job.log).toEqual({ install: 0, run: 0, "Show the summary": 0, "Comment on the pull request": 0, Judge: 1 });
  expect([job.output("run-folder"), job.output("exit-code"), job.output("verdict")]).toEqual([run, "1", "fail"]);
  expect(job.summary).toBe(`${readFileSync(join(run, "summary.md"), "utf8").trimEnd()}\n`);
  expect(job.summary).toContain("kms-v2.write.p99");
  expect(job.used["actions/upload-artifact@v6"]).toMatchObject({ name: "kmsmark", path: run });
  expect(job.used["actions/cache@v5"]).toMatchObject({ key: expect.stringMatching(/^kmsmark-Linux-X64-\d+\.\d+\.\d+-usual-usual$/) });
  expect(calls()).toEqual([
    [
      "gh",
      "api",
      "--paginate",
      "repos/somebody/plugin/issues/7/comments?per_page=100",
      "--jq",
      expect.stringContaining("<!-- kmsmark: kmsmark -->"),
    ],
    ["gh", "api", "--method", "POST", "repos/somebody/plugin/issues/7/comments", "--input", "-", "--silent"],
  ]);
  expect(JSON.parse(readFileSync(join(folder, "body.json"), "utf8"))).toEqual({
    body: `<!-- kmsmark: kmsmark -->\n${job.summary.trimEnd()}`,
  });
});

it("changes the comment that it left before, and sends findings to code scanning", async () => {
  writeFileSync(join(folder, "event.json"), JSON.stringify({ pull_request: { number: 7 } }));
  stub("gh", `${record("gh")} if (words.includes("--paginate")) console.log("41\\n99"); else process.stdin.resume();`);
  const job = await runJob({ comment: "true", sarif: "true" }, { cli: stubCli() });
  const findings = { sarif_file: join(folder, "work/kmsmark-run/findings.sarif"), category: "kmsmark" };
  expect(job.used["github/codeql-action/upload-sarif@v4"]).toEqual(findings);
  expect(calls().at(-1)?.slice(0, 5)).toEqual(["gh", "api", "--method", "PATCH", "repos/somebody/plugin/issues/comments/41"]);
});

it("does not fail because it may not comment, or has nothing to comment on", async () => {
  const how = { cli: stubCli(), leftOut: ["Run kmsmark", "Show the summary", "Judge"] };
  writeFileSync(join(folder, "event.json"), JSON.stringify({ pull_request: { number: 7 } }));
  stub("gh", "process.exitCode = 1;");
  const forbidden = await runJob({ comment: "true" }, how);
  expect(forbidden).toMatchObject({ codes: { "Comment on the pull request": 0 } });
  expect(forbidden.log).toContain("::warning::The summary could not be put on");
  writeFileSync(join(folder, "event.json"), JSON.stringify({ ref: "main" }));
  const pushed = await runJob({ comment: "true" }, how);
  expect(pushed).toMatchObject({ codes: { "Comment on the pull request": 0 }, log: "There is no pull request to comment on.\n" });
});

it("compares with a baseline, and takes the worse of the two answers", async () => {
  const inputs = { command: "bench", baseline: "base.json", "fail-on": "write.p50 > +10%\nread.p50 > +10%" };
  const job = await runJob(inputs, { cli: stubCli(1) });
  const [base, run] = [join(folder, "work/base.json"), join(folder, "work/kmsmark-run")];
  expect(calls()).toEqual([
    ["kmsmark", "bench", `--out=${run}`],
    ["kmsmark", "report", base, run, "--fail-on=write.p50 > +10%", "--fail-on=read.p50 > +10%"],
  ]);
  expect([job.output("verdict"), job.codes["Judge"]]).toEqual(["fail", 1]);
  expect(job.summary).toBe("# What changed\n\n# What it measured\n");
  expect(job.used["github/codeql-action/upload-sarif@v4"]).toBeUndefined();
});

it("starts an image of a plugin as the runner's user, and ends it", async () => {
  stub(
    "docker",
    `${record("docker")}
    const { readFileSync, writeFileSync } = require("node:fs");
    const plugin = ${JSON.stringify(join(folder, "plugin-pid"))};
    if (words[0] === "rm") process.kill(Number(readFileSync(plugin, "utf8")));
    if (words[0] !== "run") process.exit(0);
    const folder = words[words.indexOf("--volume") + 1].split(":")[0];
    const server = "require('node:net').createServer().listen(process.argv[1])";
    const child = require("node:child_process").spawn(process.execPath, ["-e", server, folder + "/kms.sock"], { detached: true, stdio: "ignore" });
    child.unref();
    writeFileSync(plugin, String(child.pid));
    writeFileSync(${JSON.stringify(join(folder, "shared"))}, folder);`,
  );
  const job = await runJob(
    {
      "plugin-image": "registry.example/plugin:1",
      "plugin-socket": "/run/kms/kms.sock",
      "plugin-args": "--listen\n/run/kms/kms.sock",
      kms: "v2",
    },
    { cli: stubCli() },
  );
  const shared = readFileSync(join(folder, "shared"), "utf8");
  const container = shared.replace("/tmp/", "");
  expect(job.codes["Judge"], job.log).toBe(0);
  const user = `${process.getuid?.()}:${process.getgid?.()}`;
  expect(calls()).toEqual([
    [
      "docker",
      "run",
      "--detach",
      "--name",
      container,
      "--user",
      user,
      "--volume",
      `${shared}:/run/kms`,
      "registry.example/plugin:1",
      "--listen",
      "/run/kms/kms.sock",
    ],
    ["kmsmark", "conform", "plugin", `--socket=unix://${shared}/kms.sock`, "--kms=v2", `--out=${join(folder, "work/kmsmark-run")}`],
    ["docker", "rm", "--force", "--volumes", container],
  ]);
  expect(existsSync(shared)).toBe(false);
});

describe("whoever has written the inputs", () => {
  const hostile = `'; touch ${"PWNED"}; "$(touch PWNED)" \`touch PWNED\` ' && touch PWNED #`;

  it("runs nothing by them: each is one word, whatever is in it", async () => {
    const names = [
      "kms",
      "target",
      "kubernetes",
      "etcd",
      "providers",
      "secrets",
      "threshold",
      "config",
      "args",
      "artifact",
      "plugin-socket",
    ];
    const job = await runJob({ command: "bench", ...Object.fromEntries(names.map((name) => [name, hostile])) }, { cli: stubCli() });
    expect(job.codes["Judge"], job.log).toBe(0);
    const [call = []] = calls();
    expect(call).toHaveLength(names.length + 2);
    expect(call.filter((word) => word.endsWith(hostile))).toHaveLength(names.length - 1);
    expect(["work", ".", "temp"].filter((name) => existsSync(join(folder, name, "PWNED")))).toEqual([]);
  });

  it("sets no output and gives the runner no command by them", async () => {
    const job = await runJob({ out: "there\nverdict=pass\n::error::x" }, { cli: stubCli(1) });
    expect([job.output("verdict"), job.codes["Judge"]]).toEqual(["fail", 1]);
    expect([job.ends.length > 2, new Set(job.ends).size]).toEqual([true, job.ends.length]);
    const [before = "", said = ""] = job.log.split(/::stop-commands::\w+\n/);
    expect([before.includes("::error::"), said.includes("::error::a plugin says so")]).toEqual([false, true]);
    expect(said).toMatch(/\n::\w{32}::\n/);
  });

  it("is told of everything that cannot be, and nothing is run", async () => {
    const wrong = { command: "down", suite: "--list", "plugin-image": "--privileged", baseline: "b", out: "." };
    const job = await runJob(wrong, { cli: stubCli() });
    const sentences = [
      "The input command takes conform or bench.",
      "The input suite takes names of suites; options go to args, one a line.",
      "The input plugin-image takes the name of an image.",
      "With plugin-image, plugin-socket takes the path at which the plugin listens in its container, /run/kms/kms.sock.",
      "The input baseline goes with the command bench.",
      "There is something where the input out says that the run goes.",
    ];
    expect(job.log).toContain(`::error::${sentences.join(" ")}\n`);
    expect([job.output("verdict"), job.codes["Judge"], job.codes["run"], calls()]).toEqual(["error", 2, 0, []]);
    expect(job.summary).toContain("It could not run (exit code 2)");
    const alone = await runJob({ "fail-on": "write.p50 > +1%", "plugin-args": "x" }, { cli: stubCli(), leftOut: ["Show the summary"] });
    expect(alone.log).toContain("::error::The input plugin-args goes with plugin-image. The input fail-on goes with baseline.\n");
  });
});

it("installs the version of npm that is asked for, and nothing else by that name", async () => {
  stub(
    "npm",
    `${record("npm")}
    const folder = words[words.indexOf("--prefix") + 1] + "/node_modules/kmsmark/dist/harness";
    require("node:fs").mkdirSync(folder, { recursive: true });
    require("node:fs").writeFileSync(folder + "/cli.js", "console.log('installed')");
    require("node:fs").writeFileSync(folder + "/../../package.json", '{"version": "9.9.9"}');`,
  );
  const job = await runJob({ version: "9.9.9", kubernetes: "v1.36.1, x" });
  expect(job.log).toContain("installed\n");
  const prefix = join(folder, "temp/kmsmark");
  expect(calls()[0]).toEqual(["npm", "install", "--no-audit", "--no-fund", "--prefix", prefix, "kmsmark@9.9.9"]);
  expect(job.used["actions/cache@v5"]).toMatchObject({ key: "kmsmark-Linux-X64-9.9.9-v1.36.1__x-usual" });
  for (const version of ["git+https://example.org/x", "--global"]) {
    const refused = await runJob({ version });
    expect([refused.codes["install"], refused.codes["Judge"], refused.used["actions/cache@v5"]]).toEqual([2, 2, undefined]);
  }
});
