import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { benchmarks } from "../suites/bench/index.ts";
import { allChecks } from "../suites/conformance/index.ts";
import { invariants } from "../suites/conformance/invariants.ts";
import { generateIndex, indexFile } from "./generate-index.ts";
import { generatedFiles } from "./generated-files.ts";
import { root } from "./steps.ts";

it("are what `npm run generate` makes", async () => {
  const stale = [...(await generatedFiles()), [indexFile, generateIndex()] as const].flatMap(([file, text]) =>
    existsSync(join(root, file)) && readFileSync(join(root, file), "utf8") === text ? [] : [file],
  );
  expect(stale, "Stale: run `npm run generate`.").toEqual([]);
});

describe("the catalogue of checks", () => {
  it("gives each an id that is its file's path and nobody else's", () => {
    expect(allChecks.length).toBeGreaterThan(10);
    expect(allChecks.filter(({ id }) => !existsSync(join(root, "suites/conformance", `${id}.ts`))).map(({ id }) => id)).toEqual([]);
    expect(new Set(allChecks.map(({ id }) => id)).size).toBe(allChecks.length);
  });

  it("says in sentences what is true and what to do", () => {
    const words = allChecks.flatMap(({ id, title, remedy }) => [title, remedy].map((text) => ({ id, text })));
    expect(words.filter(({ text }) => !/[^.]\.$/.test(text))).toEqual([]);
    expect(allChecks.filter(({ source }) => source.trim() === "").map(({ id }) => id)).toEqual([]);
  });

  it("names no invariant that there is not", () => {
    expect(
      allChecks.flatMap(({ id, invariants: of }) => of.filter((each) => !Object.hasOwn(invariants, each)).map((each) => `${id}: ${each}`)),
    ).toEqual([]);
  });
});

it("lists every benchmark that there is, under the name of its file", () => {
  const folder = join(root, "suites/bench");
  const files = readdirSync(folder).filter((name) => /satisfies Benchmark;/.test(readFileSync(join(folder, name), "utf8")));
  expect(files.length).toBeGreaterThan(7);
  expect(Object.keys(benchmarks).toSorted()).toEqual(files.map((name) => name.replace(/\.ts$/, "")).toSorted());
  expect(Object.entries(benchmarks).filter(([name, { id }]) => name !== id)).toEqual([]);
});
