import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { callCli } from "../harness/cli-call.ts";
import { generalOptions } from "../harness/command-option.ts";
import { fileFields, fleetFrom, priceTableOf } from "../harness/commands/plan-options.ts";
import { commandLineFault } from "./command-line.ts";
import { linkFaults, unkeptBlocks, unreached } from "./doc-faults.ts";
import { stopsOf, withNavigation } from "./doc-navigation.ts";
import { withSnippets } from "./doc-snippets.ts";
import { loadCommands, optionsOf } from "./generate-command-options.ts";
import { allPages, commandLines, readPage, shellWords } from "./markdown-page.ts";
import { root } from "./steps.ts";

const pages = allPages();
const commands = await loadCommands();
const general: readonly string[] = generalOptions;
const docs = pages.filter(({ path }) => path.startsWith("docs/"));
const scripts = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8"))).scripts;

describe("links", () => {
  it("lead to pages, files and headings that there are", () => {
    expect(pages.flatMap(({ links }) => links).length).toBeGreaterThan(200);
    expect(linkFaults(pages)).toEqual([]);
  });

  it("reach every page of docs/ within two clicks of its first", () => {
    expect(unreached("docs/README.md", 2, docs)).toEqual([]);
  });

  it("are found out where they lead nowhere", () => {
    const good = readPage("docs/a.md", "# One `two`\n\n[b](b.md#three) [self](#one-two) [elsewhere](https://example.org/)\n");
    const bad = readPage("docs/b.md", '# Three\n\n[a](a.md#none) [gone](gone.md) <img src="gone.svg">\n');
    expect(linkFaults([good, bad])).toEqual(["docs/b.md: a.md#none", "docs/b.md: gone.md", "docs/b.md: gone.svg"]);
    expect(unreached("docs/b.md", 1, [good, bad, readPage("docs/c.md", "")])).toEqual(["docs/c.md"]);
    expect(unreached("docs/b.md", 0, [good, bad])).toEqual(["docs/a.md"]);
  });
});

describe("the line at the end of each page", () => {
  it("leads on in the order of the contents, and replaces the one that stood there", () => {
    const stops = stopsOf("[first](a.md) [A](a.md) [B](sub/b.md#part) [C](sub/c.md) [D](../D.md)");
    expect(stops.map(({ path }) => path)).toEqual(["docs/a.md", "docs/sub/c.md"]);
    const once = withNavigation("docs/sub/c.md", "# C\n", stops);
    expect(once).toMatch(/\n← \[A\]\(\.\.\/a\.md\) · \[Contents\]\(\.\.\/README\.md\)\n$/);
    expect(withNavigation("docs/sub/c.md", once, stops)).toBe(once);
    expect(withNavigation("docs/other.md", once, stops)).toBe("# C\n");
  });
});

describe("code", () => {
  it("in TypeScript is that of a file which is checked and run", () => {
    expect(docs.flatMap((page) => unkeptBlocks("ts", page))).toEqual([]);
    expect(unkeptBlocks("ts", readPage("docs/a.md", "Loose:\n\n```ts\nlet a;\n```\n"))).toEqual(["docs/a.md: Loose:"]);
  });

  it("is copied with the imports of the place where the reader puts it", () => {
    const page = "<!-- Snippet: docs/x.ts as plugins/y/x.ts -->\n\n```ts\nold\n```\n";
    expect(withSnippets(page, () => 'import "node:fs";\nimport { a } from "../plugins/a.ts";\n')).toContain('from "../a.ts";\n```');
    const part = "<!-- Snippet: x.ts from `b {` to `\\n  }` -->\n\n```ts\n```\n";
    expect(withSnippets(part, () => "a;\n  b {\n    c;\n  }\nd;\n")).toContain("```ts\nb {\n  c;\n}\n```");
    expect(() => withSnippets(part, () => "nothing")).toThrow("x.ts has nothing from");
  });

  const patches = docs.flatMap(({ path, blocks }) =>
    blocks.filter(({ language }) => language === "diff").map(({ text }) => ({ path, text })),
  );
  it.each(patches)("of a patch in $path fits the files that it changes", async ({ text }) => {
    const applying = promisify(execFile)("git", ["apply", "--check", "-"], { cwd: root });
    applying.child.stdin?.end(`${text}\n`);
    await applying;
  });
  it("is patched on two pages", () => {
    expect(patches).toHaveLength(2);
  });
});

describe("words", () => {
  it("name no folder of the machine on which they were written", () => {
    const own = /(?<![\w.~-])\/(home|root|Users|work|mnt)\/[^\s`)]*/;
    expect(pages.flatMap(({ path, text }) => text.match(own)?.map((found) => `${path}: ${found}`) ?? [])).toEqual([]);
    expect("see /home/ann/notes").toMatch(own);
  });
});

describe("files", () => {
  const blockOf = (page: string, language: string) =>
    docs.find(({ path }) => path === page)?.blocks.find((block) => block.language === language)?.text ?? "";

  it("that a plan takes are read as they stand on its page", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-docs-"));
    const [fleet, prices] = [join(folder.path, "fleet.yaml"), join(folder.path, "prices.json")];
    await writeFile(fleet, blockOf("docs/plan.md", "yaml"));
    await writeFile(prices, blockOf("docs/plan.md", "json"));
    expect(fleetFrom(await fileFields(fleet), {})).toMatchObject({ clusters: 40, kms: "v1", quota: 1000 });
    expect(await priceTableOf(prices)).toMatchObject({ name: "ours", callsPerSecondMax: 2000 });
  });
});

describe("commands", () => {
  it.each([...commands])("%s: its page has the options that --help has", async (name, command) => {
    const { stdout } = await callCli([name, "--help"]);
    const page = readFileSync(join(root, `docs/commands/${name}.md`), "utf8");
    const inHelp = [...stdout.matchAll(/^ {2,6}--([a-z][a-z0-9-]*)/gm)].map(([, option = ""]) => option);
    const named = optionsOf(command)
      .filter(({ isPositional }) => !isPositional)
      .map((option) => option.name);
    expect(inHelp.filter((option) => !general.includes(option)).toSorted()).toEqual(named.toSorted());
    for (const option of named) expect(page).toMatch(new RegExp(`^\\| \`--(no-)?${option}\` \\|`, "m"));
    expect(page).not.toContain("undefined");
  });

  it("in blocks of shell lines are understood by the parser, by npm, or are scripts that there are", async () => {
    const faults: string[] = [];
    const lines = new Set(
      pages.flatMap((page) => commandLines(page).map((line) => (page.path.startsWith("docs/writing-") ? unfollowed(line) : line))),
    );
    expect(lines.size).toBeGreaterThan(100);
    for (const line of lines) {
      const fault = await lineFault(shellWords(line));
      if (fault !== undefined) faults.push(`${line}: ${fault}`);
    }
    expect(faults).toEqual([]);
  });

  it("that list something do", async () => {
    const lists = new Set(pages.flatMap(commandLines).filter((line) => shellWords(line).includes("--list")));
    expect(lists.size).toBeGreaterThan(3);
    for (const line of lists) {
      const words = shellWords(line.replace(/^npm run (?:kmsmark --|(bench) --)/, "kmsmark $1"));
      expect(await callCli(words.slice(1)), line).toMatchObject({ code: 0, stdout: expect.stringContaining("\n"), stderr: "" });
    }
  });

  it("between backticks name options that there are", () => {
    const faults = pages.flatMap(({ path, spans }) =>
      spans.flatMap((span) => spanFaults(span).map((fault) => `${path}: ${span}: ${fault}`)),
    );
    expect(faults).toEqual([]);
    expect(spanFaults("kmsmark bench --nonsense")).toEqual(["--nonsense"]);
  });

  it.each([
    ["kmsmark bench --nonsense", "Unknown argument: nonsense"],
    ["kmsmark bench --providers kms-v9", 'The provider "kms-v9" is none of'],
    ["kmsmark bench codec --threshold 'kms-v2.write.p99<20ms'", "There can be no"],
    ["kmsmark conform nothing", '"nothing" is none of'],
    ["kmsmark conform plugin --only 'plugin/none'", "plugin/none"],
    ["kmsmark report", "Not enough non-option arguments"],
    ["kmsmark plan --seed 1 --seed 2", "--seed may be given once"],
    ["kmsmark tap --listen a --plugin b --fault Encrypt:explode", "cannot be understood"],
    ["npm run nothing", "no script"],
    ["node scripts/nothing.ts", "no file"],
  ])("are found out where they are wrong: %s", async (line, fault) => {
    expect(await lineFault(shellWords(line))).toContain(fault);
  });
});

/** A line of a tutorial without what only those have who followed it. */
function unfollowed(line: string): string {
  return line
    .replace("list-namespace", "list")
    .replace("v2-encrypt-overhead", "v2-encrypt-fresh")
    .replace(" --provider one-key --kek-file kek", "");
}

/** What is wrong with a line of a block, or undefined. */
async function lineFault(words: readonly string[]): Promise<string | undefined> {
  const [program, second = "", third = ""] = words;
  if (program === "node") return existsSync(join(root, second)) ? undefined : `there is no file ${second}`;
  if (program === "npm") {
    if (scripts[third] === undefined) return `there is no script ${third}`;
    const given = words.slice(words.includes("--") ? words.indexOf("--") + 1 : words.length);
    return third === "kmsmark"
      ? await lineFault(["kmsmark", ...given])
      : third === "bench"
        ? await lineFault(["kmsmark", "bench", ...given])
        : undefined;
  }
  return await commandLineFault(words.slice(1));
}

/** Options in words between backticks that the command does not have. */
function spanFaults(span: string): string[] {
  const words = shellWords(span.replace(/^npm run bench( --)?/, "kmsmark bench").replace(/^npm run kmsmark -- /, "kmsmark "));
  const [program, name = ""] = words;
  const command = commands.get(name);
  if (program !== "kmsmark" || command === undefined) return [];
  const options = words.filter((word) => word.startsWith("--")).map((word) => word.split("=")[0] ?? "");
  if (options.length === 0) return [];
  const known = [...general, ...optionsOf(command).map((option) => option.name)];
  return options.filter((option) => !known.includes(option.replace(/^--(no-)?/, "")));
}
