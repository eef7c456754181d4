import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { makeFolder } from "./make-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "make-folder-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("makes a folder and those above it, and says whether it did", async () => {
  const path = join(folder, "a", "b", "c");
  expect(await makeFolder(path)).toBe(true);
  expect(existsSync(path)).toBe(true);
  expect(await makeFolder(path)).toBe(false);
});

it("fails where a file stands in the way", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  await expect(makeFolder(file)).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(join(file, "a", "b"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

it.runIf(process.platform === "linux")("ends below /proc, where nobody can make a folder", async () => {
  await expect(makeFolder("/proc/no/such/folder")).rejects.toMatchObject({ code: "ENOENT" });
});
