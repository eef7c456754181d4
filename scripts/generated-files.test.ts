import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { benchmarks } from "../suites/bench/index.ts";
import { allChecks } from "../suites/conformance/index.ts";
import { invariants } from "../suites/conformance/invariants.ts";
import { commandOptionsFile, generateCommandOptions } from "./generate-command-options.ts";
import { configSchemaFile, generateConfigSchema } from "./generate-config-schema.ts";
import { generateDocs } from "./generate-docs.ts";
import { generateIndex, indexFile } from "./generate-index.ts";
import { root } from "./steps.ts";

it.each([
  [indexFile, generateIndex],
  [commandOptionsFile, generateCommandOptions],
  [configSchemaFile, generateConfigSchema],
])("%s is what `npm run generate` makes", async (file, generate) => {
  const isFresh = readFileSync(join(root, file), "utf8") === (await generate());
  expect(isFresh, `${file} is stale: run \`npm run generate\`.`).toBe(true);
});

it("the pages of docs/ are what `npm run generate` makes", async () => {
  const stale = [...(await generateDocs())].flatMap(([file, text]) =>
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
