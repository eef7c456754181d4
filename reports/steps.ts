import type { KmsEvent, StepResult, StepVerdict } from "../harness/run/schema.ts";
import type { Column } from "./column.ts";
import { none } from "./column.ts";
import type { Table } from "./tables.ts";

/** How the verdict on a step is written. */
export const stepWords: Readonly<Record<StepVerdict, string>> = {
  verified: "verified",
  refused: "REFUSED",
  failed: "FAILED",
  skipped: "skipped",
};

/** The steps of a procedure part by part, in the order in which they were taken. */
export function byPart(steps: readonly StepResult[]): [part: string, steps: readonly StepResult[]][] {
  return [...Map.groupBy(steps, ({ part }) => part)];
}

/** `refused` and `failed` steps, with all that a reader has to do. */
export function stepTroubles(steps: readonly StepResult[]): StepResult[] {
  return steps.filter(({ verdict }) => verdict === "refused" || verdict === "failed");
}

/** A row a call, as the page of an audit trail shows it; the ranks say which columns stay where not all find room. */
export const eventColumns: readonly Column<KmsEvent>[] = [
  { title: "event", rank: 1, of: ({ name }) => name },
  { title: "status", rank: 2, of: ({ errorCode }) => errorCode ?? "ok" },
  { title: "user", rank: 3, of: ({ user }) => user },
  { title: "key", rank: 4, of: ({ keyId }) => keyId ?? none },
  { title: "version", rank: 5, of: ({ keyVersionId }) => keyVersionId ?? none },
  { title: "request", rank: 6, of: ({ requestId }) => requestId },
];

/** Every KMS call that the audit trail shows. */
export function eventTable(events: readonly KmsEvent[]): Table {
  return {
    first: "time",
    heads: eventColumns.map(({ title }) => ({ title, holds: "words" })),
    groups: [...Map.groupBy(events, ({ time }) => time)].map(([time, ofTime]) => ({
      // The trail knows whole seconds alone.
      name: time.replace(/\.000Z$/, "Z"),
      rows: ofTime.map((event) => eventColumns.map(({ of }) => of(event))),
    })),
  };
}

/** The steps with their verdicts; the evidence is elsewhere. */
export function stepTable(steps: readonly StepResult[]): Table {
  return {
    first: "part",
    heads: ["verdict", "step", "what the procedure says"].map((title) => ({ title, holds: "words" })),
    groups: byPart(steps).map(([name, ofPart]) => ({
      name,
      rows: ofPart.map(({ verdict, title, says }) => [stepWords[verdict], title, says]),
    })),
  };
}
