import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { describeReal } from "../harness/target/real-test.ts";
import { root } from "./steps.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");

/** Every line of a shell block that is no comment, once: `npm run bench` stands there before and after what installs a control plane, and is the same here. */
const lines = [
  ...new Set(
    [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
      block.split("\n").filter((line) => line !== "" && !line.startsWith("#")),
    ),
  ),
];

/** Those that CI itself runs on a clean clone, of which this test is a part, and those of minutes that a test of their own runs. */
const runElsewhere = [
  "npm ci",
  "npm run kmsmark -- install",
  "npm test",
  // harness/commands/conform.real.test.ts
  "npm run kmsmark -- conform apiserver --target processes --quick",
  "npm run kmsmark -- conform security --target processes --writes 2000",
  // suites/conformance/envelope-own-plane.real.test.ts
  "npm run kmsmark -- conform envelope --target processes",
  // suites/ack/run.real.test.ts
  "npm run kmsmark -- ack run",
];

const folder = await mkdtemp(join(tmpdir(), "kms-readme-"));
const servers: ChildProcess[] = [];

/** The command as it stands in the README, but in a folder of its own and by the same program that npm would start. */
function start(line: string): ChildProcess {
  const command = line
    .replace(/^npm run kmsmark --/, `node ${root}/harness/cli.ts`)
    .replace(/^npm run bench( --)?/, `node ${root}/harness/cli.ts bench`)
    .replaceAll("/tmp/kms-demo", folder);
  return spawn("sh", ["-c", `exec ${command}`], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: folder },
  });
}

async function finish(child: ChildProcess): Promise<{ code: unknown; said: string }> {
  let said = "";
  child.stdout?.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, "close");
  return { code, said };
}

await describeReal("containers", "every command of the README", () => {
  afterAll(async () => {
    for (const server of servers) server.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  it("is found there", () => {
    expect(lines.length).toBeGreaterThan(10);
    expect(lines).toEqual(expect.arrayContaining(runElsewhere));
  });

  it.each(lines.filter((line) => !runElsewhere.includes(line)))("%s", async (line) => {
    const isServer = / kmsmark -- (plugin|tap|emulate alibaba) --/.test(line);
    const child = start(line);
    if (!isServer) {
      const { code, said } = await finish(child);
      expect(code, said).toBe(0);
      return;
    }
    servers.push(child);
    const [firstLine] = await once(child.stdout ?? child, "data");
    // A server that logs waits for whoever does not read it.
    child.stdout?.resume();
    child.stderr?.resume();
    expect(String(firstLine)).toMatch(/^Serving /);
  });

  it("ends the servers in good order", async () => {
    for (const server of servers.splice(0).reverse()) {
      const ended = finish(server);
      server.kill("SIGINT");
      expect(await ended).toMatchObject({ code: 0 });
    }
  });
});
