import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { callCli } from "../cli-call.ts";
import { command } from "./emulate.ts";

/** Words as a shell would have them: only quotes of one kind occur. */
const wordsOf = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "").slice(1);

/** Runs the line until it is ready, does `meanwhile`, and interrupts it. */
async function serving(words: readonly string[], meanwhile: (said: string) => Promise<void> | void) {
  const interruption = new AbortController();
  const stdout = new PassThrough();
  const ended = callCli(words, { signal: interruption.signal, stdout });
  const said: string[] = [];
  stdout.on("data", (chunk) => said.push(String(chunk)));
  await once(stdout, "data");
  await meanwhile(said.join(""));
  interruption.abort();
  const { code, stderr } = await ended;
  return { code, stderr, more: said.slice(1).join("") };
}

describe("kmsmark emulate", () => {
  it("serves, stops and goes on as its example says, and shows no secret", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-command-"));
    // Port 8700 may be taken on this machine.
    const example = wordsOf(String(command.examples[0]?.line).replace("8700", "0").replace("cloud.json", join(folder.path, "cloud.json")));
    const run = async () => {
      let ready: Record<string, string> = {};
      const ended = await serving([...example, "--json"], async (said) => {
        ready = JSON.parse(said);
        const answer = await fetch(`${ready["url"]}/?Version=2016-01-20&Action=ListKeys`);
        expect(answer.status).toBe(400);
      });
      expect(ended).toEqual({ code: 0, stderr: "", more: "" });
      expect(ready).toMatchObject({ ready: true, name: "alibaba", region: "cn-hangzhou", accountId: "1234567890123456" });
      return ready;
    };
    const first = await run();
    const fileOf = (name: string) => {
      const path = first[name] ?? "";
      expect(statSync(path).mode & 0o777, name).toBe(0o600);
      return readFileSync(path, "utf8");
    };
    const { accessKeyId, accessKeySecret } = JSON.parse(fileOf("credentialsFile"));
    expect(fileOf("environmentFile")).toContain(`=${accessKeySecret}\n`);
    const token = fileOf("adminHeaderFile").trim().split(" ").at(-1) ?? "";
    for (const secret of [accessKeySecret, token]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(JSON.stringify(first)).not.toContain(secret);
    }
    const second = await run();
    expect(second["keyId"]).toBe(first["keyId"]);
    expect(JSON.parse(readFileSync(second["credentialsFile"] ?? "", "utf8")).accessKeyId).toBe(accessKeyId);
    expect(readdirSync(folder.path).sort()).toEqual(
      ["", ".admin-header", ".credentials.json", ".environment.sh"].map((end) => `cloud.json${end}`),
    );
  });

  it("without a state file leaves nothing behind, and says how to use it", async () => {
    let credentialsFile = "";
    const ended = await serving(["emulate", "alibaba"], (said) => {
      expect(said).toMatch(/^Serving a local cloud, for tests alone, on http:\/\/127\.0\.0\.1:\d+ in region cn-hangzhou\.\n/);
      credentialsFile = /access key is in (\S+)\.\n/.exec(said)?.[1] ?? "";
      const { accessKeySecret } = JSON.parse(readFileSync(credentialsFile, "utf8"));
      expect(said).not.toContain(accessKeySecret);
      expect(said).toContain("kmsmark plugin --socket kms.sock");
    });
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(dirname(credentialsFile))).toBe(false);
  });

  it("lists what there is, as the other example says", async () => {
    expect(await callCli(wordsOf(String(command.examples[1]?.line)))).toMatchObject({
      code: 0,
      stdout: "alibaba  Alibaba Cloud: KMS, STS, RAM, ActionTrail, ECS metadata and ACK of one account in one region\n",
    });
    const { stdout } = await callCli(["emulate", "--list", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject([{ name: "alibaba" }]);
  });

  it.each([
    ["kmsmark emulate", "Say which cloud to emulate."],
    ["kmsmark emulate alibaba --port 70000", "The value of --port is no port."],
    ["kmsmark emulate alibaba --region 'a b'", "The value of --region is no name of a region."],
    ["kmsmark emulate alibaba --event-delay soon", "The value of --event-delay is no duration."],
    ["kmsmark emulate alibaba --fault Encrypt:explode", 'The fault "Encrypt:explode" cannot be understood'],
    ["kmsmark emulate alibaba --state /dev/null/none", "The state file cannot be written: ENOTDIR"],
  ])("says why it cannot run `%s`", async (line, sentence) => {
    expect(await callCli(wordsOf(line))).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining(sentence) });
  });

  it("is shown in its document as it is", () => {
    const document = readFileSync(new URL("../../docs/emulators.md", import.meta.url), "utf8");
    for (const { line } of command.examples) expect(document).toContain(`\n    ${line}\n`);
  });
});
