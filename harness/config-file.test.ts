import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import yargs from "yargs";
import { callCli } from "./cli-call.ts";
import { type CommandOption, readCommandOptions } from "./command-option.ts";
import { command as bench } from "./commands/bench.ts";
import { command as conform } from "./commands/conform.ts";
import { readConfigWords, withConfigWords } from "./config-file.ts";
import { readRun } from "./run/read-run.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a config file into the folder. */
function given(text: string, name = "kmsmark.config.json"): void {
  writeFileSync(join(folder, name), text);
}

const wordsFor = async (...words: readonly string[]) => (await readConfigWords(words, folder))?.words;

/** What kmsmark says of a file that it refuses. */
async function refusal(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await callCli(words.length > 0 ? words : ["bench"], { folder });
  expect([code, stdout]).toEqual([2, ""]);
  return stderr.split("\n")[0] ?? "";
}

describe("a config file gives words", () => {
  it.each([
    ["text", { socket: "/run/kms.sock" }, ["--socket=/run/kms.sock"]],
    ["a number", { "in-flight": 8 }, ["--in-flight=8"]],
    ["a number for text", { secrets: 50 }, ["--secrets=50"]],
    ["a flag", { json: true }, ["--json"]],
    ["a flag that is off", { "closed-loop": false }, ["--no-closed-loop"]],
    ["a list as an array", { secrets: [50, 500], providers: ["identity", "kms-v2"] }, ["--secrets=50,500", "--providers=identity,kms-v2"]],
    ["a list as text", { providers: "identity,kms-v2" }, ["--providers=identity,kms-v2"]],
    ["an option that repeats", { threshold: ["write.p99<20ms", "a b"] }, ["--threshold=write.p99<20ms", "--threshold=a b"]],
    ["one of an option that repeats", { threshold: "write.p99<20ms" }, ["--threshold=write.p99<20ms"]],
    ["none of an option that repeats", { threshold: [] }, []],
    ["what looks like an option", { seed: "--json" }, ["--seed=--json"]],
    ["nothing", {}, []],
  ])("%s", async (_, section, words) => {
    given(JSON.stringify({ $schema: "somewhere", bench: section, conform: { quick: true } }));
    expect(await wordsFor("bench")).toEqual(words);
  });

  it.each(["kmsmark.config.yaml", "kmsmark.config.yml"])("as YAML in %s", async (name) => {
    given("bench:\n  secrets: [50, 500]\n  # half\n  json: true\n", name);
    expect(await wordsFor("bench")).toEqual(["--secrets=50,500", "--json"]);
  });

  it("of a file that is named, and of none that is not", async () => {
    given('{"bench": {"json": true}}', "mine.json");
    given('{"bench": {"json": false}}');
    expect(await wordsFor("bench", "--config", "mine.json")).toEqual(["--json"]);
    expect(await wordsFor("bench", `--config=${join(folder, "mine.json")}`)).toEqual(["--json"]);
    expect(await wordsFor("bench")).toEqual(["--no-json"]);
    expect(await wordsFor("bench", "--no-config")).toBeUndefined();
  });

  it.each([["--secrets", "9"], ["--secrets=9"]])("but none where the line says %s", async (...typed) => {
    given('{"bench": {"secrets": 50, "kms-latency": 3, "closed-loop": true}}');
    expect(await wordsFor("bench", ...typed)).toEqual(["--kms-latency=3", "--closed-loop"]);
    expect(await wordsFor("bench", ...typed, "--no-closed-loop", "--kmsLatency=1")).toEqual([]);
  });

  it("and nothing where there is no file, or an empty one", async () => {
    expect(await wordsFor("bench")).toBeUndefined();
    given("# later\n", "kmsmark.config.yaml");
    expect(await wordsFor("bench")).toEqual([]);
  });

  it("before two dashes, behind which no word is an option", () => {
    expect(withConfigWords(["bench", "--", "write"], ["--json"])).toEqual(["bench", "--json", "--", "write"]);
  });
});

describe("a config file that is wrong is told in one sentence", () => {
  it("with every fault of every command, and no value", async () => {
    const file = {
      bench: { secret: "hunter2", secrets: true, "in-flight": "hunter2", json: "yes", target: "hunter2", socket: ["a"], suite: ["write"] },
      conform: { only: [1, null], apiServers: 3, help: true },
      report: [],
      benches: {},
      plan: { apiServers: 3 },
    };
    given(JSON.stringify(file));
    expect(await refusal()).toBe(
      `kmsmark: kmsmark.config.json: ${[
        "report has to be an object of options",
        "benches is no command, which are ack, bench, conform, down, emulate, install, plan, plugin, report, tap, up",
        "bench.secret is no option",
        "bench.secrets takes text, or an array of it",
        "bench.in-flight takes a number",
        "bench.json takes true or false",
        "bench.target takes one of auto, containers, processes, embedded, attached",
        "bench.socket takes text",
        "bench.suite has no flag and belongs on the command line",
        "conform.only takes text, or an array of it",
        "conform.apiServers is no option",
        "conform.help belongs on the command line",
        "plan.apiServers is no option, but api-servers is",
      ].join("; ")}.`,
    );
  });

  it.each([
    ["[]", "it has to hold an object with a command's options under the command's name."],
    ['"bench"', "it has to hold an object with a command's options under the command's name."],
    ['{"__proto__": {}}', "__proto__ is no command,"],
    ['{"bench": {"constructor": 1}}', "bench.constructor is no option."],
  ])("%s", async (text, sentence) => {
    given(text);
    expect(await refusal()).toContain(`kmsmark: kmsmark.config.json: ${sentence}`);
  });

  it.each([
    ["kmsmark.config.json", "{bench: {}}"],
    ["kmsmark.config.json", '{"bench": {}, "bench": {}}'],
    ["kmsmark.config.yaml", "bench: [\n"],
    ["kmsmark.config.yaml", "bench: {}\nbench: {}\n"],
  ])("as no file of its kind: %s with %j", async (name, text) => {
    given(text, name);
    expect(await refusal()).toMatch(new RegExp(`^kmsmark: ${name} cannot be read: [^\n]+[^.]\\.$`));
  });

  it.each([
    [["--config", "none.json"], /^kmsmark: none.json cannot be read: ENOENT/],
    [["--config", "kmsmark.toml"], /^kmsmark: kmsmark.toml is no config file: its name has to end with .json, .yaml or .yml\.$/],
    [["--config"], /^kmsmark: --config takes the name of a file, .json, .yaml or .yml\.$/],
    [["--config="], /^kmsmark: --config takes the name of a file/],
    [["--config", "a.json", "--no-config"], /^kmsmark: --config and --no-config exclude each other\.$/],
  ])("%j", async (words, sentence) => {
    expect(await refusal("bench", ...words)).toMatch(sentence);
  });

  it("when there are two, unless one of them is named", async () => {
    given('{"bench": {"list": true}}');
    given("bench: {}\n", "kmsmark.config.yml");
    expect(await refusal()).toBe("kmsmark: There are kmsmark.config.json and kmsmark.config.yml, and only one may hold.");
    expect(await callCli(["bench", "--config", "kmsmark.config.json"], { folder })).toMatchObject({ code: 0 });
  });

  it("but help and version are given all the same", async () => {
    given("{");
    expect(await callCli(["bench", "--help"], { folder })).toMatchObject({ code: 0, stderr: "" });
    expect(await callCli(["bench", "--version"], { folder })).toMatchObject({ code: 0, stderr: "" });
  });
});

it("a run says what it was given, and what of it came from a file", async () => {
  given("plan:\n  secrets: 100\n  api-servers: 3\n  out: here\n", "kmsmark.config.yaml");
  const out = join(folder, "run");
  const note = "Given by kmsmark.config.yaml: --secrets, --api-servers.";
  const { code, stderr } = await callCli(["plan", "--out", out], { folder });
  expect([code, stderr.split("\n")[0]]).toEqual([0, note]);
  const { header } = await readRun(out);
  expect(header.arguments).toEqual(["plan", "--out", out, "--secrets=100", "--api-servers=3"]);
  expect(header.notes).toContain(note);
});

describe("the published schema", () => {
  const isValid = new Ajv2020({ allowUnionTypes: true }).compile(JSON.parse(readFileSync("docs/schema/config.schema.json", "utf8")));

  it.each([
    [{}, true],
    [
      { $schema: "x", bench: { secrets: [50, 500], providers: "kms-v2", threshold: ["a"], json: true, "in-flight": 8, target: "auto" } },
      true,
    ],
    [{ conform: { only: "plugin/*", "closed-loop": true } }, false],
    [{ bench: { suite: ["write"] } }, false],
    [{ bench: { target: "moon" } }, false],
    [{ bench: { json: "yes" } }, false],
    [{ bench: { "in-flight": "8" } }, false],
    [{ bench: { socket: ["a"] } }, false],
    [{ bench: { threshold: [1, null] } }, false],
    [{ report: [] }, false],
    [{ nosuch: {} }, false],
    [[], false],
  ])("and kmsmark agree on %j", async (config, isRight) => {
    given(JSON.stringify(config));
    const isRead = await wordsFor("bench").then(
      () => true,
      () => false,
    );
    expect([isValid(config), isRead]).toEqual([isRight, isRight]);
  });
});

/** A value for an option, as a file may give it, with the words that say the same on the command line. */
function givenOption(option: CommandOption): fc.Arbitrary<{ name: string; value: unknown; words: string[] }> {
  const { name, isFlag, isNumber, isRepeatable, isList, choices } = option;
  const word = fc.stringMatching(/^[a-z0-9/.<%µ"'$ ][-a-z0-9=/.<% ]{0,8}$/);
  const text = choices.length > 0 ? fc.constantFrom(...choices) : word;
  if (isFlag) return fc.boolean().map((value) => ({ name, value, words: [value ? `--${name}` : `--no-${name}`] }));
  if (isNumber)
    return fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }).map((value) => ({ name, value, words: [`--${name}`, `${value}`] }));
  if (isList)
    return fc.array(word, { minLength: 1, maxLength: 3 }).map((value) => ({ name, value, words: [`--${name}`, value.join(",")] }));
  if (!isRepeatable) return text.map((value) => ({ name, value, words: [`--${name}`, value] }));
  return fc
    .array(text, { minLength: 1, maxLength: 3 })
    .map((value) => ({ name, value, words: value.flatMap((each) => [`--${name}`, each]) }));
}

it.each([
  ["bench", bench],
  ["conform", conform],
])("what a file gives to %s is what the same flags give", async (name, { options }) => {
  const flags = ((await readCommandOptions()).get(name) ?? []).filter(({ isPositional }) => !isPositional);
  const parse = (words: readonly string[]): unknown => {
    const cli = yargs().exitProcess(false);
    options(cli);
    return cli.parse([...words]);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(flags, { minLength: 1, maxLength: 4 }).chain((some) => fc.tuple(...some.map(givenOption))),
      async (some) => {
        given(JSON.stringify({ [name]: Object.fromEntries(some.map((each) => [each.name, each.value])) }));
        const words = (await wordsFor(name)) ?? [];
        expect(parse(words)).toEqual(parse(some.flatMap((each) => each.words)));
      },
    ),
    { numRuns: 60 },
  );
});
