import { messageOf } from "../../harness/errors.ts";
import type { Cell } from "../../harness/run/schema.ts";
import type { PluginBench } from "./benchmark.ts";

/** What a cell is a measurement of. */
export type CellOrigin = Pick<Cell, "benchmark" | "provider" | "secrets" | "parameters" | "round">;

/** Does what is measured in one cell, and writes down its begin and how it ended. @throws what `measure` does */
export async function withinCell(
  { journal }: Pick<PluginBench, "journal">,
  origin: CellOrigin,
  measure: () => Promise<void>,
): Promise<void> {
  journal.append({ event: "cell-started", ...origin });
  try {
    await measure();
  } catch (thrown) {
    journal.append({ event: "cell-ended", fault: messageOf(thrown) });
    throw thrown;
  }
  journal.append({ event: "cell-ended", fault: null });
}
