import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callCli } from "../cli-call.ts";
import { readRun } from "../run/read-run.ts";

const words = ["bench", "--provider", "alibaba", "--emulate", "--target", "embedded", "--secrets", "5", "--providers", "kms-v2"];

describe("kmsmark bench --emulate", { timeout: 60_000 }, () => {
  it("measures on a local cloud, and predicts time and cost from what the tap counted", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-bench-"));
    const out = join(folder.path, "run");
    const { code, stderr } = await callCli([...words, "--closed-loop", "--emulate-fault", "Encrypt:latency=5ms", "--out", out]);
    expect(code, stderr).toBe(0);
    const { header, cells } = await readRun(out);
    expect(header.plugin).toBe("bundled plugin, provider alibaba, against a local cloud on this machine");
    expect(header.notes).toContainEqual(
      expect.stringMatching(/^A prediction for kms-v2, 5 secrets: .* under the limit of 1000 a second; .* USD 0\.0000/),
    );
    expect(cells).toMatchObject([{ envelopes: { total: 5, right: 5 }, fault: null }]);
  });

  it("says why the cloud did not start", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-bench-"));
    const { code, stderr } = await callCli([...words, "--emulate-fault", "Encrypt:often", "--out", join(folder.path, "run")]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("The local cloud ended before it served:")]);
  });

  it("needs a provider that there is a local cloud for", async () => {
    expect(await callCli(["bench", "--emulate"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There is no local cloud for the provider local."),
    });
  });
});
