import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { writeBaseline } from "../harness/compare/baseline.ts";
import { madeUpSide } from "../harness/compare/made-up-side.ts";
import { mergeRuns } from "../harness/run/merge.ts";
import { parseJournal, readRun } from "../harness/run/read-run.ts";
import { generateFormatSchemas } from "./generate-format-schemas.ts";
import { root } from "./steps.ts";

const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: false });
addFormats.default(ajv);
const texts = new Map(generateFormatSchemas());
/** What a validator that knows nothing of kmsmark says of a document; null where it has nothing to say. */
function faultOf(format: string, document: unknown): string | null {
  const text = texts.get(`docs/schema/${format}.schema.json`) ?? "{}";
  const schema: { readonly $id: string } = JSON.parse(text);
  const validate = ajv.getSchema(schema.$id) ?? ajv.compile(schema);
  return validate(document) === true ? null : ajv.errorsText(validate.errors);
}

const folder = join(root, "reports/fixtures");
const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), "utf8"));
const themes = readdirSync(folder).filter((name) => name !== "comparison");

describe("the published schemas", () => {
  it.each(themes)("take the result and the journal of %s", (theme) => {
    expect(faultOf("result", read(`${theme}/expected/result.json`))).toBeNull();
    const entries: unknown[] = JSON.parse(JSON.stringify(parseJournal(readFileSync(join(folder, theme, "journal.jsonl"), "utf8"))));
    for (const entry of entries) expect(faultOf("journal-entry", entry)).toBeNull();
  });

  it("take a result that was merged", async () => {
    const result = await readRun(join(folder, "complete"));
    const merged = mergeRuns([result, { ...result, header: { ...result.header, runId: "other" } }]);
    expect(faultOf("result", JSON.parse(JSON.stringify(merged)))).toBeNull();
  });

  it("take a comparison", () => {
    expect(faultOf("comparison", read("comparison/comparison.json"))).toBeNull();
  });

  it("take a baseline", async () => {
    const path = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
    using _path = { [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
    await writeBaseline(join(path, "baseline.json"), madeUpSide({ seconds: 2 }));
    const baseline: { readonly cells: readonly object[] } = JSON.parse(readFileSync(join(path, "baseline.json"), "utf8"));
    expect(faultOf("baseline", baseline)).toBeNull();
    expect(faultOf("baseline", { ...baseline, cells: [{ ...baseline.cells[0], provider: "rot13" }] })).toContain("/cells/0/provider");
  });
});

describe("a document that is wrong is refused:", () => {
  const result = read("complete/expected/result.json");
  if (typeof result !== "object" || result === null || !("cells" in result)) throw new Error("The fixture is a result.");

  it.each<[string, object, RegExp]>([
    ["another version", { version: 1 }, /\/version must be equal to constant/],
    ["a time that is none", { durationMs: -1 }, /\/durationMs must be >= 0/],
    ["a field that there is not", { total: 3 }, /must NOT have additional properties/],
    ["what is missing", { cells: undefined }, /must have required property 'cells'/],
    ["a cell that is none", { cells: [{}] }, /\/cells\/0 must have required property/],
  ])("%s", (_, change, message) => {
    expect(faultOf("result", JSON.parse(JSON.stringify({ ...result, ...change })))).toMatch(message);
  });

  it("an event that there is not", () => {
    expect(faultOf("journal-entry", { atMs: 1, event: "nap" })).not.toBeNull();
    expect(faultOf("journal-entry", { atMs: 1, event: "note", text: "x" })).toBeNull();
  });
});
