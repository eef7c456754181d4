import { expect, it } from "vitest";
import { readRun } from "../run/read-run.ts";
import { compare } from "./compare.ts";
import { sideOf } from "./side.ts";

const run = await readRun("reports/fixtures/conform");
const base = sideOf(run);
const failing = "plugin/v2-status-keyid-limit";

it("holds every check of two runs against its like, with what a failure received and why others have no answer", () => {
  const { checks, compared, notes } = compare(base, base, []);
  expect(checks).toHaveLength(run.checks.length);
  expect(checks.filter((check) => check.base?.verdict !== check.other?.verdict)).toEqual([]);
  expect(checks.find(({ id }) => id === failing)?.other).toEqual({ verdict: "fail", told: "a key_id of 1025 bytes" });
  expect(checks.find(({ base: end }) => end?.verdict === "skipped")?.base?.told).toMatch(/leaves it out|leave out/);
  expect(checks.find(({ base: end }) => end?.verdict === "pass")?.base?.told).toBeNull();
  expect([compared, notes]).toEqual([[], []]);
});

it("names what only one of them has on its side alone, and what the second has beyond the first last", () => {
  const [first, ...rest] = base.checks;
  if (first === undefined) throw new Error("The fixture has checks.");
  const { checks } = compare({ ...base, checks: rest }, { ...base, checks: base.checks.slice(0, -1) }, []);
  expect(checks.at(-1)).toMatchObject({ id: first.id, base: null, other: { verdict: first.verdict } });
  expect(checks.at(-2)).toMatchObject({ id: base.checks.at(-1)?.id, other: null });
});

it("refuses two runs without a check that both have", () => {
  const none = expect.objectContaining({ code: "nothing-in-common" });
  expect(() => compare({ ...base, checks: base.checks.slice(0, 3) }, { ...base, checks: base.checks.slice(3) }, [])).toThrow(none);
});
