import { describe, expect, it } from "vitest";
import { UsageError } from "../../harness/errors.ts";
import { patternsOf, requireKnown, type SelectableCheck, type Selection, selectChecks } from "./select-checks.ts";

const checks: readonly SelectableCheck[] = [
  { id: "plugin/v2-status-version", invariants: ["K2-15"], needs: ["kms-v2"] },
  { id: "plugin/v2-rotate-keyid", invariants: ["K2-09", "K2-11"], needs: ["kms-v2", "rotate"] },
  { id: "plugin/v1-version", invariants: ["K1-06"], needs: ["kms-v1"] },
  { id: "apiserver/k2-07-poll-period", invariants: ["K2-07"], needs: ["clock"] },
  { id: "apiserver/fr-01-prefix", invariants: ["FR-01"], needs: [] },
];
const all: Selection = { only: [], skip: [], quick: false };

/** What runs, and why the others that were chosen do not. */
function chosen(selection: Partial<Selection>) {
  const { selected, skipped } = selectChecks(checks, { ...all, ...selection });
  return { runs: selected.map(({ id }) => id).filter((id) => !skipped.has(id)), skipped: Object.fromEntries(skipped) };
}

it("runs all where nothing is asked for", () => {
  expect(chosen({})).toEqual({ runs: checks.map(({ id }) => id), skipped: {} });
});

describe("--only", () => {
  it.each<[string, string[]]>([
    ["plugin/v1-version", ["plugin/v1-version"]],
    ["plugin/*", ["plugin/v2-status-version", "plugin/v2-rotate-keyid", "plugin/v1-version"]],
    ["*-version", ["plugin/v2-status-version", "plugin/v1-version"]],
    ["*rotate*", ["plugin/v2-rotate-keyid"]],
    ["K2-11", ["plugin/v2-rotate-keyid"]],
    ["k2-*", ["plugin/v2-status-version", "plugin/v2-rotate-keyid", "apiserver/k2-07-poll-period"]],
    ["*", checks.map(({ id }) => id)],
    ["plugin", []],
    ["plugin/v1.version", []],
  ])("%s", (pattern, runs) => {
    expect(chosen({ only: [pattern] })).toEqual({ runs, skipped: {} });
  });

  it("adds patterns up, in the order of the checks", () => {
    expect(chosen({ only: ["FR-01", "plugin/v1-*"] }).runs).toEqual(["plugin/v1-version", "apiserver/fr-01-prefix"]);
  });
});

describe("--skip", () => {
  it("leaves out with the pattern as reason", () => {
    expect(chosen({ only: ["plugin/*"], skip: ["K1-06", "*rotate*"] })).toEqual({
      runs: ["plugin/v2-status-version"],
      skipped: { "plugin/v2-rotate-keyid": "--skip *rotate* leaves it out.", "plugin/v1-version": "--skip K1-06 leaves it out." },
    });
  });

  it("goes before --quick", () => {
    expect(chosen({ skip: ["K2-07"], quick: true }).skipped).toEqual({ "apiserver/k2-07-poll-period": "--skip K2-07 leaves it out." });
  });
});

it("leaves out with --quick what waits for a clock", () => {
  expect(chosen({ quick: true }).skipped).toEqual({ "apiserver/k2-07-poll-period": "It waits for a clock, which --quick leaves out." });
});

it("takes several patterns from one word", () => {
  expect(patternsOf(["plugin/*, K2-09", "", ",FR-01,"])).toEqual(["plugin/*", "K2-09", "FR-01"]);
});

describe("a pattern that matches nothing", () => {
  const fault = (...patterns: readonly string[]) => {
    try {
      requireKnown(checks, patterns);
      return undefined;
    } catch (thrown) {
      return thrown instanceof UsageError ? [thrown.code, thrown.message] : thrown;
    }
  };

  it("is no fault where there is none", () => {
    expect(fault("plugin/*", "fr-01", "*")).toBeUndefined();
  });

  it.each([
    ["plugin/v2-statusversion", '"plugin/v2-statusversion" (near: plugin/v2-status-version, plugin/v1-version, plugin/v2-rotate-keyid)'],
    ["K2-9", '"K2-9" (near: K2-09)'],
    ["zzz", '"zzz"'],
  ])("%s is refused with what is near", (pattern, words) => {
    expect(fault("plugin/*", pattern)).toEqual(["no-such-check", `No check of the chosen suites is called ${words}.`]);
  });

  it("is named with all others of its kind", () => {
    expect(fault("zzz", "FR-01", "(")).toEqual(["no-such-check", 'No check of the chosen suites is called "zzz" or "(".']);
  });
});
