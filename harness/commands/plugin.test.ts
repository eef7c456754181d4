import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { connectKmsV2 } from "../kms/client.ts";
import { command } from "./plugin.ts";

/** Runs the command as cli.ts does, but needs no other command. */
const script = `
  import yargs from "yargs";
  import { command } from ${JSON.stringify(new URL("plugin.ts", import.meta.url).href)};
  const interruption = new AbortController();
  process.on("SIGTERM", () => interruption.abort());
  process.on("SIGINT", () => interruption.abort());
  const context = { signal: interruption.signal, stdout: process.stdout, stderr: process.stderr, columns: 100, environment: process.env };
  const run = async (given) => {
    process.exitCode = await command.run(given, context).catch((thrown) => {
      process.stderr.write("kmsmark: " + thrown.code + ": " + thrown.message + "\\n");
      return 2;
    });
  };
  await yargs(process.argv.slice(1)).command(command.usage, command.summary, command.options, run).strict().parseAsync();
`;

/** A folder, and children that run in it and are ended with it. */
async function arrange() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-command-")));
  const start = (line: string) => {
    const words = line.split(" ").slice(1);
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, "--", ...words], {
      // A script without a file finds packages from the folder it runs in.
      env: { ...process.env, NODE_PATH: "" },
      cwd: process.cwd(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    stack.defer(() => void child.kill("SIGKILL"));
    return child;
  };
  return { folder: folder.path, start, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function ended(child: ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream }) {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { stdout, stderr, code };
}

/** `line` with its relative paths put into the folder. */
const inFolder = (line: string, folder: string) =>
  line.replaceAll(/keys\.json/g, join(folder, "keys.json")).replaceAll("/run/", `${folder}/`);

describe("kmsmark plugin", () => {
  it("serves, rotates and stops as its examples say", async () => {
    await using place = await arrange();
    const [serve, rotate] = command.examples.map(({ line }) => inFolder(line, place.folder));
    const server = place.start(`${serve} --json`);
    const stderr = text(server.stderr);
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const ready: unknown = JSON.parse(String((await lines.next()).value));
    const socket = join(place.folder, "kms.sock");
    expect(ready).toEqual({ ready: true, socket, provider: "local", pid: server.pid });

    using client = connectKmsV2(socket);
    const before = await client.status();
    expect(await ended(place.start(`${rotate}`))).toEqual({
      stdout: `${join(place.folder, "keys.json")} has 2 key versions now; the new one encrypts.\n`,
      stderr: "",
      code: 0,
    });
    expect((await client.status()).keyId).not.toBe(before.keyId);

    const exited = once(server, "exit");
    server.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
    expect(readdirSync(place.folder)).toEqual(["keys.json"]);
    const log = await stderr;
    for (const { secret } of JSON.parse(readFileSync(join(place.folder, "keys.json"), "utf8")).keys) expect(log).not.toContain(secret);
    expect(log).toContain('"msg":"stopped"');
  });

  it("is shown in its document as it is", () => {
    const document = readFileSync(new URL("../../docs/plugin.md", import.meta.url), "utf8");
    for (const { line } of command.examples) expect(document).toContain(`\n    ${line}\n`);
  });

  it("reads the keys again at SIGHUP", async () => {
    await using place = await arrange();
    const server = place.start(inFolder("kmsmark plugin --socket /run/kms.sock --key-file keys.json", place.folder));
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe(`Serving KMS v2 and v1beta1 with the provider local on ${place.folder}/kms.sock.`);
    await ended(place.start(inFolder("kmsmark plugin rotate --key-file keys.json", place.folder)));
    const log = createInterface({ input: server.stderr })[Symbol.asyncIterator]();
    server.kill("SIGHUP");
    let line: string;
    do line = String((await log.next()).value);
    while (line.includes('"serving"'));
    expect(JSON.parse(line).msg).toBe("The key was rotated: another key version encrypts from now on.");
  });

  it("replaces the socket that a killed one left", async () => {
    await using place = await arrange();
    const line = inFolder("kmsmark plugin --socket /run/kms.sock --key-file keys.json", place.folder);
    const killed = place.start(line);
    await once(killed.stdout, "data");
    killed.kill("SIGKILL");
    await once(killed, "exit");
    expect(existsSync(join(place.folder, "kms.sock"))).toBe(true);
    const next = place.start(line);
    await once(next.stdout, "data");
    using client = connectKmsV2(join(place.folder, "kms.sock"));
    expect((await client.status()).healthz).toBe("ok");
  });

  it.each([
    ["kmsmark plugin --socket /run/kms.sock", "no-key-file: The provider local needs --key-file."],
    ["kmsmark plugin --key-file keys.json", "no-socket: Say with --socket where to serve."],
    ["kmsmark plugin rotate --key-file keys.json", "key-file-missing: There is no key file"],
    [
      "kmsmark plugin --socket /run/kms.sock --key-file keys.json --metrics 0.0.0.0:9464",
      "metrics-not-loopback: 0.0.0.0 is not on loopback",
    ],
  ])("says why it cannot run `%s`", async (line, message) => {
    await using place = await arrange();
    const { stdout, stderr, code } = await ended(place.start(inFolder(line, place.folder)));
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toContain(message);
    expect(existsSync(join(place.folder, "kms.sock"))).toBe(false);
  });
});
