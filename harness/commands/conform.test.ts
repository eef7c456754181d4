import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startDefectivePlugin } from "../../plugins/testing/defective-plugin.ts";
import { defectsV2 } from "../../plugins/testing/defects-v2.ts";
import { callCli } from "../cli-call.ts";
import { readRun } from "../run/read-run.ts";

// Not os.tmpdir(), which may be too deep for a socket's path.
const folder = mkdtempSync("/tmp/kmsmark-conform-");
afterAll(() => rmSync(folder, { recursive: true }));

const conform = (...words: readonly string[]) => callCli(["conform", ...words]);
const at = (name: string) => join(folder, name);

function encryptionFile(name: string, providers: string): string {
  const text = `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n${providers}`;
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
}

const kms = (version: string) => `  - kms: {apiVersion: ${version}, name: kms1, endpoint: "unix:///run/kms.sock"}\n`;

describe("somebody's plugin", () => {
  const words = ["--kms", "v2", "--only", "plugin/v2-status-*"];

  it("that is right: exit 0, and every report is there", async () => {
    await using _plugin = await startDefectivePlugin({ socket: at("right.sock"), defects: [] });
    const { code, stdout, stderr } = await conform("plugin", "--socket", `unix://${at("right.sock")}`, ...words, "--out", at("right"));
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("checks pass.");
    expect(stderr.trimEnd().split("\n").at(-1)).toBe(`The run is in ${at("right")}; report.html there shows it.`);
    const files = ["checks.csv", "journal.jsonl", "junit.xml", "report.html", "result.json", "summary.md"];
    expect(readdirSync(at("right"))).toEqual(expect.arrayContaining(files));
  });

  it("is told of in the run's arguments, but not how it is restarted: a credential may stand there", async () => {
    await using _plugin = await startDefectivePlugin({ socket: at("hooked.sock"), defects: [] });
    const hooks = ["--rotate-command", "rotate --token hunter2", "--restartCommand=hunter2"];
    const typed = ["plugin", "--only", "plugin/v2-status-healthz", "--socket", at("hooked.sock"), "--out", at("hooked")];
    await conform(...typed, ...hooks);
    const { header } = await readRun(at("hooked"));
    expect(header.arguments).toEqual(["conform", ...typed, "--rotate-command=…", "--restartCommand=…"]);
    expect(readFileSync(join(at("hooked"), "journal.jsonl"), "utf8")).not.toContain("hunter2");
  });

  it("that is wrong: exit 1, the failure first with its evidence and what to do, in each report", async () => {
    const defect = defectsV2.find(({ caughtBy }) => caughtBy.some((id) => id === "plugin/v2-status-keyid-limit"));
    if (defect === undefined) throw new Error("There is no such defect.");
    await using _plugin = await startDefectivePlugin({ socket: at("wrong.sock"), defects: [defect] });
    const { code, stdout } = await conform("plugin", "--socket", at("wrong.sock"), ...words, "--out", at("wrong"));
    expect(code).toBe(1);
    const first = stdout.slice(stdout.indexOf("FAIL"));
    expect(first).toMatch(
      /^FAIL: plugin\/v2-status-keyid-limit \(MUST\)\n {2}rule .*\n(.*\n)* {2}received .*\n {2}expected .*\n(.*\n)* {2}to do /,
    );
    for (const file of ["junit.xml", "summary.md", "report.html", "checks.csv"]) {
      expect(readFileSync(join(at("wrong"), file), "utf8"), file).toContain("v2-status-keyid-limit");
    }
  });

  it("that is not there: exit 2 and one sentence", async () => {
    const { code, stdout, stderr } = await conform("plugin", "--socket", at("none.sock"));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^kmsmark: .*none\.sock.*\n/);
  });
});

describe("a configuration", () => {
  it("that is right passes, and one that kube-apiserver refuses fails in its words", async () => {
    const right = await conform("config", encryptionFile("right.yaml", kms("v2")), "--out", at("config-right"));
    expect(right.code, right.stdout).toBe(0);
    const wrong = await conform("config", encryptionFile("wrong.yaml", kms("v3")), "--out", at("config-wrong"));
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toContain('"v3"');
  });

  it("whose advice is not taken passes, and with --strict fails; report says the same again", async () => {
    const path = encryptionFile("identity.yaml", `${kms("v2")}  - identity: {}\n`);
    const lenient = await conform("config", path, "--out", at("lenient"));
    expect(lenient.code, lenient.stdout).toBe(0);
    const strict = await conform("config", path, "--strict", "--out", at("strict"));
    expect(strict.code).toBe(1);
    for (const [name, { stdout }] of Object.entries({ lenient, strict })) {
      expect((await callCli(["report", at(name)])).stdout).toBe(stdout);
    }
  });
});

describe("stored values in a folder", () => {
  it("in plain text fail", async () => {
    mkdirSync(at("values/registry/secrets/default"), { recursive: true });
    writeFileSync(at("values/registry/secrets/default/db"), "k8s\0 plain");
    const { code, stdout } = await conform("envelope", at("values"), "--out", at("envelope"));
    expect(code).toBe(1);
    expect(stdout).toContain("FAIL: envelope/encrypted (MUST)");
  });

  it("that are none: exit 2", async () => {
    mkdirSync(at("empty"));
    const { code, stderr } = await conform("envelope", at("empty"), "--out", at("nothing"));
    expect(code).toBe(2);
    expect(stderr).toContain("kmsmark: ");
  });
});

describe("the model", () => {
  it("says that it is one, with the first line and with the verdict, and skips what --quick leaves out with the reason", async () => {
    const words = ["apiserver", "--target", "embedded", "--only", "K2-01,K2-12", "--quick", "--out", at("model")];
    const { code, stdout, stderr } = await conform(...words);
    expect(code, stdout).toBe(0);
    expect(stderr.split("\n")[0]).toBe("Target: embedded – a model of the API server inside kmsmark, not a real kube-apiserver.");
    expect(stdout).toContain("the target embedded is no kube-apiserver");
    const { checks } = await readRun(at("model"));
    expect(checks.map(({ id, verdict }) => [id, verdict])).toEqual([
      ["apiserver/k2-12-write-expiry", "skipped"],
      ["apiserver/k2-01-limits", "pass"],
    ]);
    expect(checks[0]?.reason).toContain("--quick");
  });
});

it("--list names checks and runs none", async () => {
  const { code, stdout } = await conform("--list", "--only", "K2-09", "--json");
  expect(code).toBe(0);
  const ids = (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
  expect(ids).toContain("apiserver/k2-09-rotation");
});

describe("what it cannot be told", () => {
  it.each([
    ["no suite", []],
    ["an unknown suite", ["plugins"]],
    ["config without a file", ["config"]],
    ["a file that is not there", ["config", at("none.yaml")]],
    ["a pattern that means nothing", ["plugin", "--only", "plugin/v3-*"]],
    ["no number of writes", ["security", "--writes", "0"]],
    ["a hook without a socket", ["plugin", "--rotate-command", "true"]],
  ])("%s: exit 2, and one sentence", async (_what, words) => {
    const { code, stdout, stderr } = await conform(...words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^kmsmark: [^\n]+\.\n/m);
  });
});
