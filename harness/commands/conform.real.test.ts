import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { callCli } from "../cli-call.ts";
import { readRun } from "../run/read-run.ts";
import type { CheckResult } from "../run/schema.ts";
import { describeReal } from "../target/real-test.ts";

const folder = mkdtempSync(join(tmpdir(), "conform-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let runs = 0;

/** Runs `kmsmark conform WORDS`: its exit code, what it said, and what came of its checks. */
async function conform(...words: readonly string[]) {
  const out = join(folder, `run-${++runs}`);
  const { code, stdout, stderr } = await callCli(["conform", ...words, "--out", out]);
  return { code, said: stdout + stderr, checks: (await readRun(out)).checks, out };
}

/** What is not simply a pass. */
function othersIn(checks: readonly CheckResult[]) {
  return checks.filter(({ verdict }) => verdict !== "pass").map(({ id, verdict, reason, evidence }) => ({ id, verdict, reason, evidence }));
}

await describeReal("processes", "kmsmark conform on kube-apiserver as processes", () => {
  it("apiserver: all checks that wait for no clock pass, and the model gets the same verdicts", async () => {
    const real = await conform("apiserver", "--target", "processes", "--quick");
    expect(othersIn(real.checks.filter(({ verdict }) => verdict !== "skipped"))).toEqual([]);
    expect(real.code, real.said).toBe(0);
    const model = await conform("apiserver", "--target", "embedded", "--quick");
    const verdictsOf = (checks: readonly CheckResult[]) => Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]));
    expect(verdictsOf(model.checks)).toEqual(verdictsOf(real.checks));
    expect(real.checks.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(60);
  });

  it("security: all checks pass, and search the folder of a benchmark too", async () => {
    const bench = join(folder, "bench");
    expect(
      await callCli(["bench", "--target", "processes", "--closed-loop", "--providers", "kms-v2", "--secrets", "20", "--out", bench]),
    ).toMatchObject({ code: 0 });
    const { code, said, checks } = await conform("security", "--target", "processes", "--writes", "1000", "--run", bench);
    // etcd writes its first snapshot after 10,000 changes.
    expect(othersIn(checks)).toMatchObject([{ id: "security/search-snapshots", verdict: "not-applicable" }]);
    expect(code, said).toBe(0);
    const searched = checks.find(({ id }) => id === "security/search-run-folder")?.evidence.map(({ sent }) => sent) ?? [];
    expect(searched.filter((sent) => sent.includes("in the run's folder"))).not.toEqual([]);
  });
});
