import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import draft04 from "ajv-draft-04";
import formats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readRun } from "../harness/run/read-run.ts";
import type { CheckResult, Result } from "../harness/run/schema.ts";
import { madeHostile } from "./made-hostile.ts";
import { sarif } from "./sarif.ts";

/** OASIS's schema of SARIF 2.1.0, which Microsoft's package carries. */
const schemaFile = createRequire(import.meta.url).resolve("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
const ajv = new draft04.default({ strict: false, allErrors: true, unicodeRegExp: false });
formats.default(ajv);
const isSarif = ajv.compile(JSON.parse(readFileSync(schemaFile, "utf8")));

/** As much of it as the tests look at. */
const logSchema = z.object({
  runs: z.tuple([
    z.object({
      tool: z.object({ driver: z.object({ rules: z.array(z.object({ id: z.string() })) }) }),
      automationDetails: z.object({ id: z.string() }),
      invocations: z.tuple([z.object({ executionSuccessful: z.boolean(), exitCode: z.number().optional() })]),
      results: z.array(
        z.object({
          ruleId: z.string(),
          ruleIndex: z.number(),
          level: z.string(),
          message: z.object({ text: z.string() }),
          locations: z.tuple([
            z.object({
              physicalLocation: z.object({
                artifactLocation: z.object({ uri: z.string() }),
                region: z.object({ startLine: z.number().int().min(1) }),
              }),
            }),
          ]),
          partialFingerprints: z.object({ primaryLocationLineHash: z.string() }),
        }),
      ),
    }),
  ]),
});
const runOf = (result: Result) => logSchema.parse(JSON.parse(sarif.render(result))).runs[0];

const conform = await readRun("reports/fixtures/conform");
const themes = readdirSync("reports/fixtures").filter((name) => name !== "comparison");
const results = (await Promise.all(themes.map((theme) => readRun(`reports/fixtures/${theme}`)))).filter(sarif.isFor);

function configCheck(id: string, given: Partial<CheckResult>): CheckResult {
  const base = { area: "config", level: "MUST", source: "spec", reason: null, durationMs: 1 } as const;
  return {
    ...base,
    invariants: ["EC-03"],
    id: `config/${id}`,
    title: "It is right.",
    remedy: "Mend it.",
    verdict: "fail",
    evidence: [],
    ...given,
  };
}

const evidence = (received: string, line?: number) => ({
  ...{ sent: "deploy/encryption config.yaml", received, expected: "nothing" },
  place: { file: "./deploy/encryption config.yaml", line: line ?? null },
});

/** A run of `conform config`. */
const config: Result = {
  ...conform,
  header: { ...conform.header, target: null, plugin: null },
  checks: [
    configCheck("kms-name", { evidence: [evidence("resources[0].providers[0].kms.name: Required value", 7), evidence("the same", 9)] }),
    configCheck("aescbc", { level: "SHOULD", evidence: [evidence("aescbc writes.", 12)] }),
    configCheck("file-mode", { level: "SHOULD", evidence: [evidence("The file has mode 0644.")] }),
    configCheck("sockets", { verdict: "inconclusive", reason: "It broke." }),
    configCheck("kms-v1", { verdict: "pass" }),
  ],
};

/** One finding, in a file of this name. */
function onlyAt(file: string): Result {
  return { ...config, checks: [configCheck("aescbc", { evidence: [{ ...evidence("aescbc writes."), place: { file, line: 3 } }] })] };
}

describe("every run's findings", () => {
  it("keep to the schema of SARIF 2.1.0, whatever others wrote", () => {
    for (const result of [...results, config]) {
      for (const text of ["", '"}]} \u0000\u001B\uD800 <b> ../%2e', " "]) {
        const { checks, ...others } = text === "" ? result : madeHostile(result, text);
        // No run has two checks of one id.
        const log: unknown = JSON.parse(
          sarif.render({ ...others, checks: checks.map((check, at) => ({ ...check, id: `${check.id}${at}` })) }),
        );
        expect(isSarif(log), JSON.stringify(isSarif.errors)).toBe(true);
      }
    }
  });

  it("are those of its checks that failed or could not be judged, each by its rule", () => {
    for (const result of results) {
      const { tool, results: found } = runOf(result);
      const wanted = result.checks.filter(({ verdict }) => verdict === "fail" || verdict === "inconclusive").map(({ id }) => id);
      expect(found.map(({ ruleId }) => ruleId).toSorted()).toEqual(wanted.toSorted());
      expect(tool.driver.rules.map(({ id }) => id).toSorted()).toEqual(result.checks.map(({ id }) => id).toSorted());
      expect(found.every(({ ruleId, ruleIndex }) => tool.driver.rules[ruleIndex]?.id === ruleId)).toBe(true);
    }
  });
});

it.each([
  ["a level that there is none of", (text: string) => text.replace('"level": "error"', '"level": "fatal"')],
  ["a field that it does not know", (text: string) => text.replace('"columnKind"', '"columnKinds"')],
  ["a line 0", (text: string) => text.replace('"startLine": 7', '"startLine": 0')],
  ["no version", (text: string) => text.replace('"version": "2.1.0",', "")],
])("would be refused with %s", (_, altered) => {
  const text = altered(sarif.render(config));
  expect(text).not.toBe(sarif.render(config));
  expect(isSarif(JSON.parse(text))).toBe(false);
});

it("has a fault of a configuration at its line in that file, a SHOULD as a warning, and what could not be judged as a note", () => {
  const found = runOf(config).results.map(({ ruleId, level, locations: [{ physicalLocation }] }) => [
    ...[ruleId, level, physicalLocation.artifactLocation.uri, physicalLocation.region.startLine],
  ]);
  expect(found.toSorted()).toEqual([
    ["config/aescbc", "warning", "deploy/encryption%20config.yaml", 12],
    ["config/file-mode", "warning", "deploy/encryption%20config.yaml", 1],
    ["config/kms-name", "error", "deploy/encryption%20config.yaml", 7],
    ["config/kms-name", "error", "deploy/encryption%20config.yaml", 9],
    ["config/sockets", "note", "result.json", 1],
  ]);
});

it("says what was found, what was expected and what to do", () => {
  const [first] = runOf(config).results;
  expect(first?.message.text.split("\n")).toEqual([
    "config/kms-name (MUST) fails: It is right.",
    "deploy/encryption config.yaml: resources[0].providers[0].kms.name: Required value; expected: nothing",
    "To do: Mend it.",
  ]);
});

it("names a file that was given by an absolute path by a file URI, and the run's result where no file was checked", () => {
  const uris = (result: Result) => new Set(runOf(result).results.map(({ locations: [at] }) => at.physicalLocation.artifactLocation.uri));
  expect(uris(onlyAt("/etc/kubernetes/enc.yaml"))).toEqual(new Set(["file:///etc/kubernetes/enc.yaml"]));
  expect(uris(conform)).toEqual(new Set(["result.json"]));
});

it("knows a finding again in the next run, wherever its line has gone, and tells two alike apart", () => {
  const prints = (result: Result) => runOf(result).results.map((each) => each.partialFingerprints.primaryLocationLineHash);
  const moved = config.checks.map((check) => ({
    ...check,
    evidence: check.evidence.map((piece) => ({ ...piece, place: { file: "deploy/encryption config.yaml", line: 99 } })),
  }));
  const later = { ...config, header: { ...config.header, runId: "another", startedAt: "2027-01-01T00:00:00Z" }, checks: moved };
  expect(prints(later)).toEqual(prints(config));
  expect(new Set(prints(config)).size).toBe(5);
  const twice = configCheck("kms-name", { evidence: [evidence("the same", 7), evidence("the same", 9)] });
  expect(new Set(prints({ ...config, checks: [twice] })).size).toBe(2);
  expect(prints({ ...config, checks: [configCheck("kms-name", { evidence: [evidence("other", 7)] })] })).not.toEqual(
    prints(config).slice(0, 1),
  );
});

it("says how the run ended", () => {
  const ended = (result: Result) => runOf(result).invocations[0];
  expect(ended(conform)).toMatchObject({ executionSuccessful: true, exitCode: 1 });
  expect(ended({ ...conform, status: "cut off", fault: "The run was cut off." })).not.toHaveProperty("exitCode");
  expect(ended({ ...conform, status: "cut off", fault: "The run was cut off." }).executionSuccessful).toBe(false);
  expect(runOf(config).automationDetails.id).toBe(`kmsmark/conform-config/${config.header.runId}`);
});

it("makes a URI of any path", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1 }), (path) => {
      const uri = runOf(onlyAt(`${path}x`)).results[0]?.locations[0].physicalLocation.artifactLocation.uri ?? "";
      expect(uri).toMatch(/^(file:\/\/)?[A-Za-z0-9\-_.!~*'()%/]+$/);
    }),
    { numRuns: 15 },
  );
});
