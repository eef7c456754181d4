import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callCli } from "../cli-call.ts";
import { readRun } from "../run/read-run.ts";
import { command } from "./ack.ts";

const [, withoutRole, ofAccount] = command.examples;
const wordsOf = (line = "") => line.split(" ").slice(1);

describe("kmsmark ack", { timeout: 30_000 }, () => {
  it("ends with 1 and the remedy where a prerequisite is missing, as the example says", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-ack-"));
    const out = join(folder.path, "run");
    const { code, stdout, stderr } = await callCli([...wordsOf(withoutRole?.line), "--target", "embedded", "--out", out]);
    expect(code).toBe(1);
    expect(stdout).toContain("REFUSED: prerequisites/role");
    expect(stderr).toContain("To do: Authorise it at https://ram.console.");
    const { header, status, steps } = await readRun(out);
    expect([header.command, header.target?.isModel, status, steps[0]?.verdict]).toEqual(["ack", true, "complete", "refused"]);
  });

  it("prints nothing but the result with --json", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-ack-"));
    const words = ["ack", "run", "--key", "missing", "--target", "embedded", "--json", "--out", join(folder.path, "run")];
    const { code, stdout, stderr } = await callCli(words);
    expect([code, stderr]).toEqual([1, ""]);
    expect(JSON.parse(stdout)).toMatchObject({ version: 2, status: "complete" });
  });

  it("does not verify without credentials, as no example can", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-ack-"));
    const words = [...wordsOf(ofAccount?.line), "--credentials", "access-key", "--out", join(folder.path, "run")];
    expect(await callCli(words, { environment: {} })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There are no credentials"),
    });
  });

  it.each([
    ["an action that there is not", ["ack", "walk"]],
    ["too few Secrets", ["ack", "run", "--secrets", "10"]],
    ["a key that is bad in another way", ["ack", "run", "--key", "old"]],
    ["what belongs to a verification", ["ack", "run", "--cluster", "c1"]],
    ["what belongs to a run", ["ack", "verify", "--cluster", "c1", "--region", "cn-hangzhou", "--without", "role"]],
  ])("refuses %s", async (_, words) => {
    expect((await callCli(words)).code).toBe(2);
  });
});
