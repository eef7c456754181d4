import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { foldJournal, type Journaled } from "./fold.ts";
import { folderFault } from "./folder-fault.ts";
import { type Header, type JournalEntry, type JournalInput, journalEntrySchema, type Result, resultVersion } from "./schema.ts";

/** An entry without its time, which the journal knows itself. */
export type JournalEvent = JournalInput extends infer Entry ? (Entry extends JournalInput ? Omit<Entry, "atMs"> : never) : never;

/** How far a phase under way has come, since its start. */
export type PhaseProgress = Omit<Extract<JournalEntry, { event: "phase-progress" }>, "atMs" | "event">;

/** How bytes reach a file: `writeSync` of node:fs, or in tests one that fails. Returns how many were written. */
export type WriteBytes = (file: number, bytes: Uint8Array) => number;

/** How often a phase under way is marked. */
const markEveryMs = 5000;

/**
 * `journal.jsonl`: what happened in a run, a line an entry. Every line is handed to the system before {@link append} returns, so that a
 * kill at any moment loses at most the line that was being written. (A machine that loses power may lose more: nothing is forced to the disk.)
 */
export class Journal implements Disposable {
  readonly path: string;
  #entries: [Journaled[0], ...JournalEntry[]];
  #file: number | undefined;
  #clock: Clock;
  #startMs: number;
  #write: WriteBytes;
  /** What went wrong with a mark of progress, for the next entry to fail with. */
  #owed: unknown;
  #isInPhase = false;

  /** Fails with a RunFolderError where the file is there already or cannot be written. */
  constructor(folder: string, header: Header, clock: Clock, write: WriteBytes = writeSync) {
    this.path = join(folder, "journal.jsonl");
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    this.#write = write;
    try {
      this.#file = openSync(this.path, "ax");
    } catch (thrown) {
      throw folderFault(this.path, thrown);
    }
    const first = { atMs: 0, event: "header", version: resultVersion, header } as const;
    this.#entries = [first];
    this.#append(first);
  }

  /** Milliseconds since the run's start, for the `startMs` of cells and phases. */
  nowMs(): number {
    return this.#clock.monotonicMs() - this.#startMs;
  }

  /**
   * Writes an entry down with the time it has now. Fails with a RunFolderError the first time that the disk takes no more; from then on
   * entries are kept in memory alone, so that the run can still end and be shown.
   */
  append(event: JournalEvent): void {
    const entry = journalEntrySchema.parse({ atMs: this.nowMs(), ...event });
    this.#entries.push(entry);
    if (entry.event !== "note") this.#isInPhase = entry.event === "phase-started";
    const owed = this.#owed;
    this.#owed = undefined;
    if (owed !== undefined) throw owed;
    this.#append(entry);
  }

  /**
   * Takes note of how far the phase under way is, if one is, so that a run that is killed says where it ended; a line in {@link markEveryMs}, and nothing
   * in between. It never fails: what the disk says to it, the next entry does.
   */
  mark(progress: PhaseProgress): void {
    if (!this.#isInPhase) return;
    const last = this.#entries.at(-1);
    const nowMs = this.nowMs();
    if (nowMs - (last?.atMs ?? 0) < markEveryMs) return;
    const entry = { atMs: nowMs, event: "phase-progress", ...progress } as const;
    // Of several in a row only the last one says anything.
    if (last?.event === "phase-progress") this.#entries.pop();
    this.#entries.push(entry);
    try {
      this.#append(entry);
    } catch (thrown) {
      this.#owed = thrown;
    }
  }

  /** The run as far as it got, those entries included that the disk did not take. */
  result(): Result {
    return foldJournal(this.#entries);
  }

  #append(entry: JournalEntry): void {
    if (this.#file === undefined) return;
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      for (let written = 0; written < line.length; ) written += this.#write(this.#file, line.subarray(written));
    } catch (thrown) {
      // A torn line stays as the last one, which every reader of a journal tolerates.
      this[Symbol.dispose]();
      throw folderFault(this.path, thrown);
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
