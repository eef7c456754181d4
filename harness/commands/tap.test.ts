import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import yargs from "yargs";
import { startPlugin } from "../../plugins/index.ts";
import { connectKmsV2 } from "../kms/client.ts";
import { command } from "./tap.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);

/** Runs the command until `during` is over; what it answered, word by word and line by line. */
async function tap(words: readonly string[], during: () => Promise<void> = async () => {}) {
  const parsed = await command.options(yargs().command(command.usage, "").exitProcess(false)).parseAsync(["tap", ...words]);
  const interruption = new AbortController();
  const stdout = new PassThrough({ encoding: "utf8" });
  using stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const surroundings = { columns: 100, environment: {}, folder, line: { words: [], notes: [] } };
  const context = { signal: interruption.signal, stdout, stderr: process.stderr, ...surroundings };
  const running = command.run(parsed, context);
  let answer = "";
  const ready = new Promise<void>((resolve) =>
    stdout.on("data", (text: string) => {
      answer += text;
      resolve();
    }),
  );
  await Promise.race([ready, running]);
  await during();
  interruption.abort(new Error("interrupted"));
  const exitCode = await running;
  return { exitCode, answer, remarks: stderr.mock.calls.map(([text]) => text).join("") };
}

/** A Status, two Encrypts and a Decrypt through the tap. */
async function calls(): Promise<void> {
  await using _plugin = await startPlugin({ socket: at("plugin"), provider: { name: "local", keyFile: at("keys.json") } });
  using kms = connectKmsV2(at("tap"));
  await kms.status();
  const encrypted = await kms.encrypt({ plaintext: Buffer.from("a"), uid: "uid-1" });
  await kms.encrypt({ plaintext: Buffer.from("b"), uid: "uid-2" });
  await kms.decrypt({ ...encrypted, uid: "uid-3" }).catch(() => {});
}

const sockets = () => ["--listen", `unix://${at("tap")}`, "--plugin", `unix://${at("plugin")}`];

it("says where it serves, and what came when it is stopped", async () => {
  const { exitCode, answer, remarks } = await tap(sockets(), calls);
  expect(exitCode).toBe(0);
  const [ready, head, ...rows] = answer.trimEnd().split("\n");
  expect(ready).toBe(`Serving on ${at("tap")}, in front of unix://${at("plugin")}.`);
  expect(head?.split(/\s{2,}/)).toEqual(["call", "calls", "failed", "probes", "p50", "p99", "max"]);
  expect(rows.map((row) => row.split(/\s{2,}/).slice(0, 4))).toEqual([
    ["v2 Status", "1", "0", "0"],
    ["v2 Encrypt", "2", "0", "0"],
    ["v2 Decrypt", "1", "0", "0"],
  ]);
  expect(remarks).toBe("");
});

it("plays the faults that it is told, and answers in JSON", async () => {
  const { answer } = await tap(
    [...sockets(), "--json", "--fault", "Encrypt:latency=1ms:every=2", "--fault", "Decrypt:error=Internal"],
    calls,
  );
  const [ready, end] = answer
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(ready).toMatchObject({ ready: true, socket: at("tap"), seed: "tap" });
  expect(end).toMatchObject({
    calls: [
      { kms: "v2", method: "Status", calls: 1, failed: 0, probes: 0 },
      { kms: "v2", method: "Encrypt", calls: 2, failed: 0, probes: 0 },
      { kms: "v2", method: "Decrypt", calls: 1, failed: 1, probes: 0 },
    ],
    problems: [],
  });
});

it("writes a row a call, without what was encrypted", async () => {
  await tap([...sockets(), "--record", at("calls.csv")], calls);
  const [head, ...rows] = readFileSync(at("calls.csv"), "utf8").trimEnd().split("\n");
  expect(head).toBe("sequence,kms,method,purpose,uid,key_id,request_bytes,response_bytes,start_ms,duration_ms,grpc_code,fault");
  expect(rows.map((row) => row.split(",").slice(0, 5).join(","))).toEqual([
    "0,v2,Status,work,",
    "1,v2,Encrypt,work,uid-1",
    "2,v2,Encrypt,work,uid-2",
    "3,v2,Decrypt,work,uid-3",
  ]);
});

it("goes on when the record cannot be written, and says so", async () => {
  writeFileSync(at("file"), "");
  const { exitCode, answer, remarks } = await tap([...sockets(), "--record", join(at("file"), "calls.csv")], calls);
  expect([exitCode, answer.includes("v2 Encrypt")]).toEqual([0, true]);
  expect(remarks).toMatch(/^kmsmark: .*calls\.csv.*\n$/);
});

it("says when nothing came", async () => {
  expect((await tap(sockets())).answer).toMatch(/No call came\.\n$/);
});

it("refuses what it cannot do before it serves", async () => {
  writeFileSync(at("calls.csv"), "");
  await expect(tap([...sockets(), "--fault", "Encrypt:slow"])).rejects.toMatchObject({ code: "bad-fault" });
  await expect(tap([...sockets(), "--record", at("calls.csv")])).rejects.toMatchObject({ code: "record-exists" });
  await expect(tap(["--listen", at("x".repeat(200)), "--plugin", at("plugin")])).rejects.toMatchObject({ code: "socket-path-too-long" });
});
