import { expect, it } from "vitest";
import { folderFault } from "./folder-fault.ts";

const systemError = (code: string) => Object.assign(new Error(`${code}: system text`), { code });

it.each([
  ["ENOSPC", "disk-full", "The disk is full: runs/a could not be written."],
  ["EDQUOT", "disk-full", "The disk is full: runs/a could not be written."],
  ["EACCES", "folder-not-permitted", "runs/a may not be used by this user."],
  ["EROFS", "folder-not-permitted", "runs/a may not be used by this user."],
  ["EEXIST", "in-the-way", "runs/a is in the way: it is there already."],
  ["ENOTDIR", "not-a-folder", "A part of the path runs/a is not a folder."],
  ["ENOENT", "run-not-found", "runs/a does not exist."],
  ["EIO", "folder-fault", "runs/a cannot be used: EIO: system text."],
])("makes one sentence of %s", (system, code, message) => {
  const cause = systemError(system);
  expect(folderFault("runs/a", cause)).toMatchObject({ code, message, cause });
});
