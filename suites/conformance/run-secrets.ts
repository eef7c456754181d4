import { population } from "../../harness/load/population.ts";
import { readRun } from "../../harness/run/read-run.ts";

/** A run of a million Secrets is searched for the first so many of them. */
const secretsMax = 2000;
/** From the middle of a value, because beginnings such as that of a PEM file are no secrets. */
const bytesSought = 24;
/** As written, and as the phase of updates leaves them. */
const generations = [0, 1];

/**
 * What a benchmark wrote into Secrets, by what its run folder says of it: a part of each value that is long enough not to stand somewhere by
 * chance. The label names the Secret and its key. Empty for a run of another command.
 * @throws RunFolderError as {@link readRun}
 */
export async function secretsOfRun(folder: string): Promise<Map<string, Uint8Array>> {
  const { header, cells } = await readRun(folder);
  const sought = new Map<string, Uint8Array>();
  const counts = cells.map(({ secrets }) => secrets);
  if (counts.length === 0) return sought;
  const secrets = population({ secrets: Math.min(secretsMax, Math.max(...counts)), seed: header.seed });
  for (let index = 0; index < secrets.count; index++) {
    for (const generation of generations) {
      const { namespace, name, data } = secrets.at(index, generation);
      for (const [key, value] of data) {
        const from = Math.max(0, Math.floor((value.length - bytesSought) / 2));
        const part = value.subarray(from, from + bytesSought);
        if (part.length === bytesSought) sought.set(`${key} of ${namespace}/${name}, generation ${generation}`, part);
      }
    }
  }
  return sought;
}
