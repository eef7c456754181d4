import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { callCli } from "../harness/cli-call.ts";
import { kmsmarkVersion } from "../harness/version.ts";
import { root } from "./steps.ts";

const read = (path: string): unknown => parse(readFileSync(join(root, path), "utf8"));

const artifactsSchema = z.object({
  paths: z.array(z.string()),
  reports: z.record(z.string(), z.string()),
});
const gitlab = z
  .object({
    ".kmsmark": z.object({ variables: z.record(z.string(), z.string()), before_script: z.array(z.string()) }),
    conform: z.object({ extends: z.literal(".kmsmark"), script: z.array(z.string()), artifacts: artifactsSchema }),
    bench: z.object({ extends: z.literal(".kmsmark"), script: z.array(z.string()), artifacts: artifactsSchema }),
  })
  .parse(read("docs/ci/gitlab-ci.yml"));

const workflowSchema = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      steps: z.array(
        z.object({ uses: z.string().optional(), run: z.string().optional(), with: z.record(z.string(), z.string()).optional() }),
      ),
    }),
  ),
});

describe("the workflow for GitHub", () => {
  const { jobs } = workflowSchema.parse(read("docs/ci/github-workflow.yml"));
  const uses = Object.values(jobs).flatMap(({ steps }) => steps.filter((step) => step.uses?.startsWith("OWNER/kmsmark@") === true));

  it("uses the action of this version, with inputs that it has", () => {
    const { inputs } = z.object({ inputs: z.record(z.string(), z.unknown()) }).parse(read("action.yml"));
    expect(uses.length).toBeGreaterThan(1);
    for (const step of uses) {
      expect(step.uses).toBe(`OWNER/kmsmark@v${kmsmarkVersion()}`);
      expect(Object.keys(step.with ?? {}).filter((name) => !(name in inputs))).toEqual([]);
    }
  });

  it("has thresholds and limits that the commands take", async () => {
    const lines = (name: string) => uses.flatMap((step) => (step.with?.[name] ?? "").split("\n").filter((line) => line !== ""));
    for (const name of ["threshold", "fail-on"]) expect(lines(name).length).toBeGreaterThan(0);
    const nowhere = join(root, "no such baseline");
    // What is read first is refused first.
    const { stderr } = await callCli(["report", nowhere, nowhere, ...lines("fail-on").map((limit) => `--fail-on=${limit}`)]);
    expect(stderr).toContain(nowhere);
    const words = ["bench", "--providers", "identity,kms-v2", "--socket", nowhere];
    const bench = await callCli([...words, ...lines("threshold").map((condition) => `--threshold=${condition}`)]);
    expect(bench.stderr).toContain("There is no socket");
  });
});

it("the project's own workflow runs what CI runs, and uploads the report that this leaves", () => {
  const { jobs } = workflowSchema.parse(read(".github/workflows/ci.yml"));
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  expect(steps.map(({ run }) => run).filter((run) => run !== undefined)).toEqual([".ci/run"]);
  const upload = steps.find(({ uses }) => uses?.startsWith("actions/upload-artifact@") === true);
  expect(readFileSync(join(root, ".ci/run"), "utf8")).toContain(`--out ${upload?.with?.["path"]}/`);
});

describe("the pipeline for GitLab", () => {
  const folder = mkdtempSync("/tmp/kmsmark-gitlab-");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("installs this version", () => {
    expect(gitlab[".kmsmark"].before_script[0]).toBe(`npm install --global kmsmark@${kmsmarkVersion()}`);
  });

  it("checks the plugin in words that conform takes", async () => {
    const [line = "", ...others] = gitlab.conform.script;
    expect(others).toEqual([]);
    const words = line.split(" ").map((word) => word.replaceAll('"', ""));
    expect(words.shift()).toBe("kmsmark");
    expect(await callCli([...words, "--list"])).toMatchObject({ code: 0, stderr: "" });
  });

  it("measures the plugin and compares it, line by line on the embedded model", async () => {
    const program = join(folder, "kmsmark");
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(root, "harness/cli.ts")}' "$@"\n`);
    chmodSync(program, 0o755);
    // As small as can be: the lines are tried, and not the machine.
    writeFileSync(join(folder, "kmsmark.config.json"), JSON.stringify({ bench: { secrets: 20, "closed-loop": true, "in-flight": 1 } }));
    mkdirSync(join(folder, "ci"));
    const [, ...before] = gitlab[".kmsmark"].before_script;
    const [bench = "", compare = "", ...others] = gitlab.bench.script;
    expect(others).toEqual([]);
    // A run is its own baseline, which saves measuring another.
    const baseline = "ln -s ../kmsmark-bench ci/baseline.json";
    const script = [...before, "trap 'kill %1' EXIT", bench, baseline, compare].join("\n");
    const variables = { TARGET: "embedded", KMS_SOCKET: join(folder, "kms.sock"), TMPDIR: folder };
    const env = { ...process.env, ...gitlab[".kmsmark"].variables, ...variables, PATH: `${folder}:${process.env["PATH"]}` };
    await promisify(execFile)("bash", ["-e", "-c", script], { cwd: folder, env });
    const { paths, reports } = gitlab.bench.artifacts;
    for (const path of paths) expect(readdirSync(join(folder, path))).toEqual(expect.arrayContaining(["report.html", "comparison.md"]));
    for (const path of Object.values(reports)) expect(readFileSync(join(folder, path), "utf8").length).toBeGreaterThan(100);
  });
});
