import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { root } from "./steps.ts";

/** The instructions of the Dockerfile, each with its words; lines that go on are one. */
const instructions = readFileSync(join(root, "Dockerfile"), "utf8")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n\s*/g, "")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => {
    const [, name = "", rest = ""] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    return { name, rest };
  });
const of = (name: string) => instructions.filter((each) => each.name === name).map(({ rest }) => rest);

/** What reaches the engine: the exceptions of a file that leaves everything out first. */
const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");

describe("the Dockerfile", () => {
  it("has instructions that Docker knows", () => {
    const known = ["ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "LABEL", "USER", "ENTRYPOINT", "CMD"];
    expect(instructions.filter(({ name }) => !known.includes(name))).toEqual([]);
  });

  it("is built of the Node.js that the tests run on, of one version", () => {
    const lock = z
      .object({ packages: z.object({ "node_modules/node": z.object({ version: z.string() }) }) })
      .parse(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
    const [base] = of("ARG");
    expect(base).toMatch(new RegExp(`^BASE=node:${lock.packages["node_modules/node"].version}-[a-z]+-slim$`));
  });

  it("copies files that are there and reach the engine", () => {
    const copied = of("COPY").filter((rest) => !rest.startsWith("--from="));
    const sources = copied.flatMap((rest) => rest.split(" ").slice(0, -1));
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
    expect(sources.filter((source) => !ignored.includes(`!${source}`))).toEqual([]);
    expect(
      ignored
        .filter((line) => line.startsWith("!"))
        .map((line) => line.slice(1))
        .toSorted(),
    ).toEqual([...new Set(sources)].toSorted());
    expect(ignored).toContain("*");
  });

  it("copies of stages that are there", () => {
    const stages = of("FROM").flatMap((rest) => rest.match(/ AS (\S+)$/)?.[1] ?? []);
    const named = of("COPY").flatMap((rest) => rest.match(/^--from=(\S+)/)?.[1] ?? []);
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((stage) => !stages.includes(stage))).toEqual([]);
  });

  it("runs as nobody in particular", () => {
    expect(of("USER")).toEqual(["65532:65532"]);
    expect(instructions.slice(-3).map(({ name }) => name)).toEqual(["USER", "ENTRYPOINT", "CMD"]);
  });
});

it("the program of CI can be run, and says where its report is", () => {
  const path = join(root, ".ci/run");
  expect(statSync(path).mode & 0o111).not.toBe(0);
  const text = readFileSync(path, "utf8");
  const [, out = ""] = /conform plugin .*--out (\S+) /.exec(text) ?? [];
  expect(text).toContain(`is in $PWD/${out}.`);
  expect(readFileSync(join(root, ".gitignore"), "utf8").split("\n")).toContain("ci-reports/");
});
