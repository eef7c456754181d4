import { mkdir, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { systemCodeOf, UsageError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { folderFault } from "./folder-fault.ts";
import { Journal } from "./journal.ts";
import { Samples } from "./samples.ts";
import type { Header } from "./schema.ts";

export interface RunFolderOptions {
  /** The command that runs, part of the folder's name. */
  readonly command: string;
  /** The folder itself, as `--out` names it; otherwise a new one is made in `parent`. */
  readonly out?: string | undefined;
  /** Where runs lie; `runs` in the working folder unless told. */
  readonly parent?: string;
  readonly clock: Clock;
}

/**
 * The folder of a run that is under way. Disposing of it closes the journal, and removes the folder if nothing was
 * ever written into it.
 */
export class RunFolder implements AsyncDisposable {
  readonly path: string;
  /** The rows of `samples/`. */
  readonly samples: Samples;
  /** False for an empty folder that was there before. */
  #isOurs: boolean;
  #clock: Clock;
  #journal: Journal | undefined;

  constructor(path: string, isOurs: boolean, clock: Clock) {
    this.path = path;
    this.samples = new Samples(path);
    this.#isOurs = isOurs;
    this.#clock = clock;
  }

  /** Begins `journal.jsonl`; the run's time counts from here. Fails with a RunFolderError where it cannot be written. */
  startJournal(header: Header): Journal {
    this.#journal = new Journal(this.path, header, this.#clock);
    return this.#journal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#journal?.[Symbol.dispose]();
    // Refused, as it should be, where the folder holds anything.
    if (this.#isOurs) await rmdir(this.path).catch(() => undefined);
  }
}

/**
 * Makes the folder of a new run: `runs/2026-11-23T23-55-01-bench` (UTC), with a number behind it where that is taken, or `out`.
 * Fails with a UsageError where `out` holds something already, with a RunFolderError where the folder cannot be made.
 */
export async function createRunFolder({ command, out, parent = "runs", clock }: RunFolderOptions): Promise<RunFolder> {
  if (out !== undefined) {
    return new RunFolder(out, await claim(out), clock);
  }
  try {
    await makeFolder(parent);
  } catch (thrown) {
    throw folderFault(parent, thrown);
  }
  const time = new Date(clock.wallMs()).toISOString().slice(0, 19).replaceAll(":", "-");
  for (let attempt = 1; ; attempt++) {
    const path = join(parent, `${time}-${command}${attempt === 1 ? "" : `-${attempt}`}`);
    try {
      await mkdir(path);
      return new RunFolder(path, true, clock);
    } catch (thrown) {
      if (systemCodeOf(thrown) !== "EEXIST") throw folderFault(path, thrown);
    }
  }
}

/** Makes a folder that the user named (true), or takes it where it is empty (false): what lies there is never mixed with a run. */
async function claim(out: string): Promise<boolean> {
  let isMade: boolean;
  let names: string[];
  try {
    isMade = await makeFolder(out);
    names = await readdir(out);
  } catch (thrown) {
    throw folderFault(out, thrown);
  }
  if (names.length === 0) return isMade;
  throw new UsageError("out-not-empty", `The folder ${out} of --out is not empty.`, { hint: "Name a new folder or an empty one." });
}
