import { messageOf, RunFolderError, systemCodeOf } from "../errors.ts";

/** One sentence for what the system said when a run folder or a file in it was written or read. */
export function folderFault(path: string, thrown: unknown): RunFolderError {
  const cause = { cause: thrown };
  switch (systemCodeOf(thrown)) {
    case "ENOSPC":
    case "EDQUOT":
      return new RunFolderError("disk-full", `The disk is full: ${path} could not be written.`, {
        hint: "Make room on it, or use a folder on another disk.",
        ...cause,
      });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new RunFolderError("folder-not-permitted", `${path} may not be used by this user.`, {
        hint: "Name a folder that you may read and write.",
        ...cause,
      });
    case "EEXIST":
      return new RunFolderError("in-the-way", `${path} is in the way: it is there already.`, { hint: "Name another folder.", ...cause });
    case "ENOTDIR":
      return new RunFolderError("not-a-folder", `A part of the path ${path} is not a folder.`, { hint: "Name another folder.", ...cause });
    case "ENOENT":
      return new RunFolderError("run-not-found", `${path} does not exist.`, cause);
    default:
      return new RunFolderError("folder-fault", `${path} cannot be used: ${messageOf(thrown)}.`, cause);
  }
}
