import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { StubKey, startStubCloud } from "../../plugins/testing/stub-cloud.ts";
import { callCli } from "../cli-call.ts";
import { CliFolder } from "../cli-process.ts";

const credentials = { ALIBABA_CLOUD_ACCESS_KEY_ID: "testid", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "testsecret", ALIBABA_CLOUD_REGION_ID: "" };

it("gives the bundled plugin the provider's options, and its credentials by the environment alone", { timeout: 30_000 }, async () => {
  const key = new StubKey();
  await using stub = await startStubCloud(key.answer);
  using folder = new CliFolder(credentials);
  const words = ["--provider", "alibaba", "--key-id", key.id, "--endpoint", stub.url, "--cluster-id", "c-1"];
  const { code, stderr } = await folder.run(
    "conform",
    "plugin",
    "--only",
    "plugin/v1-roundtrip-*,plugin/v2-roundtrip-*",
    "--out",
    "run",
    ...words,
  );
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(readFileSync(join(folder.path, "run", "result.json"), "utf8")).toContain(`"bundled plugin, provider alibaba"`);
  const contexts = stub.seen
    .filter(({ action }) => action === "Encrypt")
    .map(({ query }) => JSON.parse(query.get("EncryptionContext") ?? ""));
  expect(new Set(contexts.map((context) => context["kmsmark-cluster"]))).toEqual(new Set(["c-1"]));
  expect(stub.seen.every(({ headers }) => headers.authorization?.includes("Credential=testid,") === true)).toBe(true);
});

it.each([
  ["conform plugin --provider alibaba", "The provider alibaba needs --key-id."],
  ["bench --provider alibaba --region cn-hangzhou", "The provider alibaba needs --key-id."],
  ["bench --key-id key-1", "--key-id is not of the provider local."],
  [
    "conform plugin --provider alibaba --key-id k --endpoint http://kms.example",
    "The value of --endpoint is plain http on a host that is not loopback.",
  ],
  ["conform plugin --rotate-command true", "--rotate-command goes with --socket, or with another --provider than local."],
  ["plugin --socket kms.sock --provider alibaba --key-id k --key-file keys.json", "--key-file is not of the provider alibaba."],
  ["plugin rotate --provider alibaba --key-id k", "The keys of the provider alibaba are rotated in its KMS."],
  ["plugin --socket kms.sock --provider alibaba --key-id k --credentials secret", "Invalid values:"],
])("kmsmark %s ends with a sentence", async (line, sentence) => {
  const { code, stderr } = await callCli(line.split(" "), { environment: credentials });
  expect(stderr).toContain(sentence);
  expect(code).toBe(2);
});

it("tells in one sentence why the plugin cannot start", async () => {
  const key = new StubKey();
  key.metadata = { KeyState: "Disabled" };
  await using stub = await startStubCloud(key.answer);
  const words = ["plugin", "--socket", "kms.sock", "--provider", "alibaba", "--key-id", key.id, "--endpoint", stub.url];
  const served = await callCli(words, { environment: credentials });
  expect(served).toMatchObject({ code: 2, stdout: "" });
  expect(served.stderr).toContain("kmsmark: The KMS key is disabled: enable it in the KMS.\n");
});
