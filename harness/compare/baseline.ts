import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { RunFolderError, systemCodeOf, UsageError } from "../errors.ts";
import { runFactsSchema } from "../run/comparison.ts";
import { folderFault } from "../run/folder-fault.ts";
import { migrate } from "../run/migrations.ts";
import { readRun } from "../run/read-run.ts";
import { cellSchema, phaseSchema, resultVersion } from "../run/schema.ts";
import { writeWhole } from "../run/write-whole.ts";
import { type Side, sideOf } from "./side.ts";

/**
 * The shape of a baseline: what of a run is compared, with its histograms, and nothing that names a file of the machine. It may lie in a repository.
 * Its cells are those of a result, and so is its version.
 */
export const baselineSchema = z.strictObject({
  kind: z.literal("kmsmark-baseline"),
  version: z.literal(resultVersion),
  facts: runFactsSchema,
  cells: z.array(
    cellSchema.pick({ benchmark: true, parameters: true, round: true, provider: true, secrets: true }).extend({
      phases: z.array(
        phaseSchema.pick({
          name: true,
          durationMs: true,
          load: true,
          requests: true,
          latency: true,
          serviceTime: true,
          kms: true,
          timeline: true,
          client: true,
          figures: true,
        }),
      ),
    }),
  ),
});

/**
 * Reads one side of a comparison: a run folder, or a baseline file. Fails with a RunFolderError where it is neither, or where a later version of
 * kmsmark wrote it.
 */
export async function readSide(path: string): Promise<Side> {
  return (await isFile(path)) ? readBaseline(path) : sideOf(await readRun(path));
}

/** Whether a path is a file, as a baseline is, and no folder, as a run is. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return false;
    throw folderFault(path, thrown);
  }
}

async function readBaseline(path: string): Promise<Side> {
  const value = parseJson(await readFile(path, "utf8").catch((thrown: unknown) => Promise.reject(folderFault(path, thrown))));
  const { data: known } = z.looseObject({ kind: z.literal("kmsmark-baseline"), version: z.int().positive() }).safeParse(value);
  if (known === undefined) {
    throw new RunFolderError("not-a-baseline", `${path} is no baseline of kmsmark.`, {
      hint: "Name a run folder, or a file that `kmsmark report RUN --save-baseline FILE` wrote.",
    });
  }
  if (known.version > resultVersion) {
    throw new RunFolderError(
      "unknown-version",
      `The baseline ${path} is in version ${known.version} of the format, and this kmsmark reads versions up to ${resultVersion}.`,
      { hint: "Use the kmsmark that saved it, or save it again from a run." },
    );
  }
  const parsed = baselineSchema.safeParse(migrate(value, known.version, "baseline"));
  if (parsed.success) return { facts: parsed.data.facts, cells: parsed.data.cells, checks: [] };
  const [issue] = parsed.error.issues;
  throw new RunFolderError(
    "baseline-invalid",
    `The baseline ${path} does not hold to its schema: ${issue?.path.join(".")}: ${issue?.message}.`,
    { hint: "Save it again from a run." },
  );
}

/** Writes a baseline over one that is there. Fails with a RunFolderError where it cannot be written, with a UsageError where the run is none of a benchmark. */
export async function writeBaseline(path: string, { facts, cells }: Side): Promise<void> {
  if (cells.length === 0) throw new UsageError("nothing-to-keep", "The run has no cells: there is nothing in it to compare later.");
  const kept = cells.map(({ benchmark, parameters, round, provider, secrets, phases }) => ({
    ...{ benchmark, parameters, round, provider, secrets },
    phases: phases.map(({ name, durationMs, load, requests, latency, serviceTime, kms, timeline, client, figures }) => ({
      ...{ name, durationMs, load, requests, latency, serviceTime, kms, client, figures },
      // When the KMS was called is compared with nothing.
      timeline: timeline === null ? null : { ...timeline, kms: null },
    })),
  }));
  const baseline = baselineSchema.parse({ kind: "kmsmark-baseline", version: resultVersion, facts, cells: kept });
  // A line a cell, so that a change of it shows as one.
  const { cells: written, ...head } = baseline;
  const lines = written.map((cell) => `  ${JSON.stringify(cell)}`).join(",\n");
  await writeWhole(path, `${JSON.stringify(head).slice(0, -1)},"cells":[\n${lines}\n]}\n`);
}

/** Undefined for what is not JSON; no JSON text means undefined. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
