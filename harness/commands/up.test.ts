import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CliFolder } from "../cli-process.ts";

let folder: CliFolder;
beforeEach(() => {
  folder = new CliFolder();
});
afterEach(() => folder[Symbol.dispose]());

it("does not leave the embedded model running, because it cannot stay", async () => {
  const { code, stderr } = await folder.run("up", "--target", "embedded");
  expect(code).toBe(2);
  expect(stderr).toContain("kmsmark: The embedded model lives inside the command that starts it and cannot stay.");
  expect(folder.leases()).toEqual([]);
});

it("does not overwrite a file with its kubeconfig", async () => {
  const path = join(folder.path, "config");
  writeFileSync(path, "mine");
  const { code, stderr } = await folder.run("up", "--kubeconfig", path);
  expect(code).toBe(2);
  expect(stderr).toContain(`kmsmark: There is a file ${path} already, and kmsmark does not overwrite it.`);
});

it("does not start anything for a kubeconfig that cannot be written", async () => {
  const { code, stderr } = await folder.run("up", "--kubeconfig", join(folder.path, "none", "config"));
  expect(code).toBe(2);
  expect(stderr).toContain("cannot be written");
});

it("does not start anything for a plugin that is not there", async () => {
  const { code, stderr } = await folder.run("up", "--socket", join(folder.path, "none.sock"));
  expect(code).toBe(2);
  expect(stderr).toContain(`kmsmark: There is no socket ${join(folder.path, "none.sock")}.`);
});

it("has nothing to end where nothing is up", async () => {
  expect(await folder.run("down")).toMatchObject({ code: 0, stdout: '"default" is not up.\n' });
  expect(await folder.run("down", "--json")).toMatchObject({ code: 0, stdout: '{"name":"default","ended":0,"swept":0}\n' });
});
