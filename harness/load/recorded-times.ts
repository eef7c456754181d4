import { readFileSync } from "node:fs";
import { systemCodeOf, UsageError } from "../errors.ts";

/** In the order in which they are looked for: of kmsmark's own requests it is the due time that shows how they came. */
const columns = ["due_ms", "start_ms"] as const;

/**
 * When the calls or requests of a recording began, milliseconds, ascending. It is a CSV file as `kmsmark tap --record` writes it, or as a run keeps it in
 * `samples/`: whatever has a column `start_ms` or `due_ms`. Throws UsageError `bad-recording`.
 */
export function readRecordedTimes(path: string): Float64Array {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    if (code === undefined) throw thrown;
    throw badRecording(path, code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`, thrown);
  }
  const rows = rowsOf(text);
  const header = rows.next().value ?? [];
  const column = columns.map((name) => header.indexOf(name)).find((at) => at >= 0);
  if (column === undefined) throw badRecording(path, "its first line names no column start_ms or due_ms");
  const times: number[] = [];
  for (const row of rows) {
    const word = row[column] ?? "";
    const ms = word === "" ? Number.NaN : Number(word);
    if (!(ms >= 0 && Number.isFinite(ms)))
      throw badRecording(path, `"${word.slice(0, 40)}" in row ${times.length + 1} is no time in milliseconds`);
    times.push(ms);
  }
  if (times.length === 0) throw badRecording(path, "there is no call in it");
  return Float64Array.from(times).sort();
}

/** The rows of RFC 4180 text; a field in quotes may hold commas, line ends and doubled quotes. */
function* rowsOf(text: string): Generator<string[], undefined> {
  let row: string[] = [];
  for (const [, quoted, plain = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ",") continue;
    if (row.length > 1 || row[0] !== "") yield row;
    row = [];
  }
  return undefined;
}

function badRecording(path: string, why: string, cause?: unknown): UsageError {
  return new UsageError("bad-recording", `The recording ${path} cannot be replayed: ${why}.`, {
    hint: "It is a file that `kmsmark tap --record FILE` wrote, or one of a run's samples folder.",
    cause,
  });
}
