import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RunFolderError, systemCodeOf } from "../errors.ts";
import { foldJournal, type Journaled } from "./fold.ts";
import { folderFault } from "./folder-fault.ts";
import { type DocumentKind, migrate } from "./migrations.ts";
import { type JournalEntry, journalEntrySchema, type Result, resultSchema, resultVersion } from "./schema.ts";

/**
 * The result that lies in a run folder: `result.json`, or what `journal.jsonl` amounts to where that is missing, as after kill -9, or not
 * valid, which a note in the result then says. What an earlier version wrote is read as if this one had. Fails with a RunFolderError, in a sentence, where neither can be read or a later version
 * of kmsmark wrote them.
 */
export async function readRun(folder: string): Promise<Result> {
  const resultText = await readText(join(folder, "result.json"));
  const journalText = await readText(join(folder, "journal.jsonl"));
  if (resultText !== undefined) {
    try {
      return parseResult(resultText);
    } catch (thrown) {
      if (!(thrown instanceof RunFolderError) || thrown.code !== "result-invalid" || journalText === undefined) throw thrown;
      const result = foldJournal(parseJournal(journalText));
      result.header.notes.push(`The figures are read from the journal, because result.json was not valid: ${thrown.message}`);
      return result;
    }
  }
  if (journalText !== undefined) return foldJournal(parseJournal(journalText));
  throw new RunFolderError("no-run", `${folder} is not a run folder: it holds neither result.json nor journal.jsonl.`, {
    hint: "Name one of the folders in runs/.",
  });
}

/** Reads the text of a `result.json`. Fails with a RunFolderError that names the field that is wrong. */
export function parseResult(text: string): Result {
  const value = parseJson(text);
  if (value === undefined) throw new RunFolderError("result-invalid", "result.json is not JSON.");
  const parsed = resultSchema.safeParse(inThisVersion(value, versionOf(value), "result"));
  if (!parsed.success) throw new RunFolderError("result-invalid", `result.json does not hold to its schema: ${firstFault(parsed.error)}`);
  return parsed.data;
}

/**
 * Reads the text of a `journal.jsonl`. A last line without its end is what a kill leaves and is passed over if it is not whole.
 * Fails with a RunFolderError that names the line and the field that is wrong.
 */
export function parseJournal(text: string): Journaled {
  const lines = text.split("\n");
  const tail = lines.pop() ?? "";
  if (tail !== "" && parseJson(tail) !== undefined) lines.push(tail);
  // The header alone says in which version all of them are.
  const version = versionOf(parseJson(lines[0] ?? ""));
  const entries = lines.map((line, index) => parseLine(line, index + 1, version));
  const [first, ...rest] = entries;
  if (first?.event !== "header") {
    throw new RunFolderError(
      "journal-without-header",
      "The journal does not begin with a header: the run ended before it measured anything.",
    );
  }
  return [first, ...rest];
}

function parseLine(line: string, number: number, version: number): JournalEntry {
  const value = parseJson(line);
  if (value === undefined) throw new RunFolderError("journal-invalid", `Line ${number} of the journal is not JSON.`);
  const parsed = journalEntrySchema.safeParse(inThisVersion(value, version, "journal entry"));
  if (parsed.success) return parsed.data;
  throw new RunFolderError("journal-invalid", `Line ${number} of the journal does not hold to its schema: ${firstFault(parsed.error)}`);
}

/** Undefined for what is not JSON; no JSON text means undefined. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const versionedSchema = z.object({ version: z.int().positive() });

/** The version that a document says it is in; this one where it says none, so that the schema names what is wrong. */
function versionOf(value: unknown): number {
  return versionedSchema.safeParse(value).data?.version ?? resultVersion;
}

/** Before all else, because nothing of a later version's shape can be relied on. */
function inThisVersion(value: unknown, version: number, kind: DocumentKind): unknown {
  if (version <= resultVersion) return migrate(value, version, kind);
  throw new RunFolderError(
    "unknown-version",
    `The run is in version ${version} of the format, and this kmsmark reads versions up to ${resultVersion}.`,
    { hint: "Use the kmsmark that wrote it, or a later one." },
  );
}

/** `cells.0.provider: Invalid option: …`. */
function firstFault(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = issue?.path.join(".") ?? "";
  return `${path === "" ? "" : `${path}: `}${issue?.message ?? error.message}.`;
}

/** The text of a file, or undefined where there is none. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return undefined;
    throw folderFault(path, thrown);
  }
}
