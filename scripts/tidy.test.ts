import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./steps.ts";

interface Source {
  /** From the root, `harness/cli.ts`. */
  readonly path: string;
  readonly text: string;
  /** Paths from the root for the project's own files, package names otherwise. */
  readonly imports: readonly string[];
}

const sources: readonly Source[] = ["harness", "suites", "plugins", "reports", "scripts"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => read(join(folder, name))),
);
const product = sources.filter(({ path }) => !path.startsWith("scripts/") && !path.endsWith(".test.ts"));

function read(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const imports = [...text.matchAll(/(?<!")\b(?:from|import)\s*\(?\s*"([^"\n]+)"/g)].map(([, to = ""]) =>
    to.startsWith(".") ? relative(root, join(root, dirname(path), to)) : to,
  );
  return { path, text: withoutComments(text), imports };
}

/** Good enough for this code base, where no string holds a comment's beginning behind a blank. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
}

/** The files that import something that matches, except those that may. */
function importers(of: RegExp, mayImport: (path: string) => boolean): string[] {
  return product.flatMap(({ path, imports }) => (!mayImport(path) && imports.some((to) => of.test(to)) ? [path] : []));
}

/** `path: what it says` for every file outside `mayUse` that says something banned. */
function users(of: RegExp, mayUse: (path: string) => boolean, among: readonly Source[] = product): string[] {
  return among.flatMap(({ path, text }) => {
    const found = mayUse(path) ? null : text.match(of);
    return found === null ? [] : [`${path}: ${found[0]}`];
  });
}

const inFolder =
  (...folders: readonly string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(folder));

describe("the seams of the design", () => {
  it("finds the sources", () => {
    expect(product.length).toBeGreaterThan(30);
  });

  it("lets only harness/target bring up a control plane", () => {
    expect(importers(/^(testcontainers|dockerode)$/, inFolder("harness/target/"))).toEqual([]);
  });

  it("lets only plugins know a KMS vendor", () => {
    const vendor = /\b(alibaba|aliyun|alicloud|amazonaws|awskms|cloudkms|keyvault|vault|openbao|pkcs ?#?11)\b/i;
    expect(users(vendor, inFolder("plugins/", "suites/ack/"))).toEqual([]);
    expect(importers(/^plugins\/(providers|emulators\/[^/]+)\//, inFolder("plugins/", "suites/ack/"))).toEqual([]);
  });

  it("keeps the bundled plugin out of the harness, but for the commands that serve it, and for the procedure of its own vendor", () => {
    expect(importers(/^plugins\//, inFolder("plugins/", "harness/commands/", "suites/ack/"))).toEqual([]);
  });

  it("lets only commands make reports, and reports read nothing but a result", () => {
    expect(importers(/^reports\//, inFolder("reports/", "harness/commands/"))).toEqual([]);
    const reporters = product.filter(({ path }) => path.startsWith("reports/"));
    const foreign = reporters.flatMap(({ path, imports }) =>
      imports
        .filter(
          (to) => !/^(reports\/|harness\/(run|load|compare)\/|csv-stringify|zod|@observablehq\/plot$|linkedom$|node:crypto$)/.test(to),
        )
        .map((to) => `${path} imports ${to}`),
    );
    expect(foreign).toEqual([]);
    expect(users(/\b(console|process)\.\w+/, () => false, reporters)).toEqual([]);
  });

  it("keeps I/O out of the envelope codec and the model", () => {
    const pure = product.filter(({ path }) => inFolder("harness/envelope/", "harness/model/", "harness/plan/")(path));
    const io = pure.flatMap(({ path, imports }) =>
      imports.filter((to) => /^node:(?!crypto$|buffer$)|^(undici|pino|@grpc)/.test(to)).map((to) => `${path} imports ${to}`),
    );
    expect(io).toEqual([]);
    expect(users(/\b(randomBytes|randomUUID|randomInt|getRandomValues|process\.\w+|systemClock)\b/, () => false, pure)).toEqual([]);
  });

  it("lets suites and commands reach a target by its interface alone", () => {
    const inner = /^harness\/target\/(containers|processes|embedded|attached)/;
    expect(importers(inner, inFolder("harness/target/"))).toEqual([]);
  });
});

describe("banned calls", () => {
  it("takes time from a Clock", () => {
    const time = /\b(Date\.now|performance\.now|setTimeout|setInterval|process\.hrtime)\b|new Date\(\)|node:timers/;
    expect(users(time, (path) => path === "harness/clock.ts")).toEqual([]);
  });

  it("takes randomness from a Random, or from node:crypto", () => {
    expect(
      users(
        /\bMath\.random\b/,
        () => false,
        sources.filter(({ path }) => path !== "scripts/tidy.test.ts"),
      ),
    ).toEqual([]);
  });

  it("asks for a user's id alone: whoever a container runs as may have no name, and asking for it would throw", () => {
    expect(users(/\buserInfo\b/, () => false)).toEqual([]);
  });

  it("writes to the terminal through the command's context", () => {
    expect(users(/(?<!\.)\bconsole\.\w+|process\.(stdout|stderr)/, (path) => path === "harness/cli.ts")).toEqual([]);
  });

  it("leaves no test out by hand", () => {
    const skipping = sources.filter(({ path }) => path.endsWith(".test.ts") && path !== "scripts/tidy.test.ts");
    expect(users(/\b(it|test|describe)\.(skip|only|todo)\b/, () => false, skipping)).toEqual([]);
  });
});

describe("the repository", () => {
  it("says for every dependency why it is there", () => {
    const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const reasons = readFileSync(join(root, "docs/dependencies.md"), "utf8");
    const names = ["dependencies", "devDependencies"].flatMap((kind) =>
      typeof manifest === "object" && manifest !== null ? Object.keys(Reflect.get(manifest, kind) ?? {}) : [],
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !reasons.includes(`\`${name}\``))).toEqual([]);
  });
});
