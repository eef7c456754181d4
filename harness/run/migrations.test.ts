import { expect, it } from "vitest";
import { migrate } from "./migrations.ts";
import { resultVersion } from "./schema.ts";

const second = { second: 3, ok: 5, failed: 0, dropped: 0, p50: 1, p99: 2, max: 2 };
const step = { step: 3, ok: 5, failed: 0, dropped: 0, p50: 1, p99: 2, max: 2 };
const old = { name: "write", seconds: [second] };
const now = { name: "write", timeline: { stepMs: 1000, load: [step], kms: null } };

it("makes the seconds of version 1 a timeline, wherever a phase stands", () => {
  const cells = (phase: unknown) => [{ provider: "kms-v2", phases: [phase] }];
  expect(migrate({ version: 1, cells: cells(old) }, 1, "result")).toEqual({ version: resultVersion, cells: cells(now) });
  expect(migrate({ kind: "kmsmark-baseline", version: 1, cells: cells(old) }, 1, "baseline")).toEqual({
    ...{ kind: "kmsmark-baseline", version: resultVersion },
    cells: cells(now),
  });
  expect(migrate({ atMs: 1, event: "phase", phase: old }, 1, "journal entry")).toEqual({ atMs: 1, event: "phase", phase: now });
  expect(migrate({ atMs: 0, event: "header", version: 1 }, 1, "journal entry")).toMatchObject({ version: resultVersion });
});

it("has no timeline of a phase in which nothing ended, or which was not measured by seconds", () => {
  const phase = (of: object) => migrate({ event: "phase", phase: of }, 1, "journal entry");
  expect(phase({ name: "start", seconds: [] })).toEqual({ event: "phase", phase: { name: "start" } });
  expect(phase({ name: "start" })).toEqual({ event: "phase", phase: { name: "start" } });
});

it("leaves a document of this version as it is, and one of the last in one piece", () => {
  const document = { version: resultVersion, cells: [{ phases: [now] }] };
  expect(migrate(document, resultVersion, "result")).toEqual(document);
  const before = { version: 1, cells: [{ phases: [old] }] };
  migrate(before, 1, "result");
  expect(before).toEqual({ version: 1, cells: [{ phases: [old] }] });
});

it.each([null, 7, "x", [], { cells: 7 }, { cells: [null, { phases: "x" }, { phases: [{ seconds: [null] }] }] }])(
  "leaves %j for the schema to refuse",
  (document) => {
    for (const kind of ["result", "journal entry", "baseline"] as const) expect(() => migrate(document, 1, kind)).not.toThrow();
  },
);
