import { expect, it } from "vitest";
import type { Area } from "./conform-areas.ts";
import { listChecks } from "./conform-list.ts";

const facts = { source: "KEP-3299", remedy: "Mend it." };
const checks: Area["checks"] = [
  { id: "plugin/a", title: "A holds.", level: "MUST", invariants: ["K2-09", "K2-11"], needs: ["kms-v2"], ...facts },
  { id: "plugin/bee", title: "B holds.", level: "SHOULD", invariants: [], needs: ["clock"], ...facts },
];
const all = { only: [], skip: [], quick: false };

it("names the checks in columns", () => {
  expect(listChecks(checks, all, { json: false })).toBe(
    ["plugin/a    MUST    K2-09,K2-11  A holds.", "plugin/bee  SHOULD               B holds.", "2 checks.", ""].join("\n"),
  );
});

it("folds them on a terminal that is too narrow for columns", () => {
  const long = "It holds, whatever the plugin does, whatever the API server asks, and whatever the clock says.";
  const text = listChecks([{ id: "plugin/a", title: long, level: "MUST", invariants: ["K2-09"], needs: [], ...facts }], all, {
    json: false,
    columns: 60,
  });
  expect(text.split("\n")).toEqual([
    "plugin/a MUST K2-09",
    "    It holds, whatever the plugin does, whatever the API",
    "    server asks, and whatever the clock says.",
    "1 check.",
    "",
  ]);
});

it.each([
  ["--only", { ...all, only: ["K2-11"] }],
  ["--skip", { ...all, skip: ["*bee"] }],
  ["--quick", { ...all, quick: true }],
])("leaves out what %s leaves out", (_, selection) => {
  expect(listChecks(checks, selection, { json: false })).toBe("plugin/a  MUST    K2-09,K2-11  A holds.\n1 check.\n");
});

it("tells machines all that can be said of a check without running it", () => {
  expect(JSON.parse(listChecks(checks, { ...all, only: ["plugin/a"] }, { json: true }))).toEqual([
    {
      ...{ id: "plugin/a", title: "A holds.", level: "MUST", invariants: ["K2-09", "K2-11"], ...facts },
      needs: [{ need: "kms-v2", means: "a plugin that serves KMS v2" }],
    },
  ]);
});

it("refuses a pattern that matches nothing", () => {
  expect(() => listChecks(checks, { ...all, skip: ["nope"] }, { json: true })).toThrow(expect.objectContaining({ code: "no-such-check" }));
});
