import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { reporters } from "./index.ts";

it("lists every reporter of the folder under its file's name", () => {
  const sources = readdirSync("reports").filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const own = sources
    .filter((name) => readFileSync(`reports/${name}`, "utf8").includes("satisfies Reporter;"))
    .map((name) => name.slice(0, -3));
  expect(reporters.map(({ id }) => id).toSorted()).toEqual(own.toSorted());
});

it("gives no two reporters one file", () => {
  const files = reporters.map(({ file }) => file);
  expect(new Set(files).size).toBe(files.length);
});
