import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kmsmarkVersion } from "../harness/version.ts";
import { root } from "./steps.ts";

const run = promisify(execFile);

describe("the package", () => {
  let folder: string;
  let kmsmark: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kmsmark-package-"));
    await run("npm", ["pack", "--pack-destination", folder], { cwd: root });
    const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "";
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "somebody", private: true }));
    await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", `./${tarball}`], { cwd: folder });
    kmsmark = join(folder, "node_modules", ".bin", "kmsmark");
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("has a bin that says its version", async () => {
    const { stdout } = await run(kmsmark, ["--version"], { cwd: folder });
    expect(stdout.trim()).toBe(kmsmarkVersion());
  });

  it("measures from another folder, with its plugin and its tap", async () => {
    const words = ["bench", "--target", "embedded", "--secrets", "6", "--providers", "kms-v2", "--closed-loop", "--json"];
    const { stdout } = await run(kmsmark, words, { cwd: folder, maxBuffer: 16 * 1024 * 1024 });
    const result: unknown = JSON.parse(stdout);
    expect(result).toMatchObject({ status: "complete", cells: [{ provider: "kms-v2", envelopes: { total: 6, right: 6 } }] });
    expect(await readdir(join(folder, "runs"))).toHaveLength(1);
  });

  it("holds nothing but what was built and what documents it", async () => {
    const names = await readdir(join(folder, "node_modules", "kmsmark"));
    expect(names.sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "dist", "docs", "package.json"]);
    const built = await readdir(join(folder, "node_modules", "kmsmark", "dist"), { recursive: true });
    expect(built.filter((name) => name.includes(".test."))).toEqual([]);
  });
});
