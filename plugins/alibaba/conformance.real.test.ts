import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock as clock } from "../../harness/clock.ts";
import { Random } from "../../harness/random.ts";
import type { CheckResult } from "../../harness/run/schema.ts";
import { pluginChecks } from "../../suites/conformance/index.ts";
import { openPlugin } from "../../suites/conformance/plugin-subject.ts";
import { runChecks } from "../../suites/conformance/run-checks.ts";
import { startAlibabaCloud } from "../emulators/alibaba/index.ts";
import { startPlugin } from "../index.ts";
import { openAlibabaProvider, settingsOf } from "../providers/alibaba.ts";

/** How soon the plugin notices a rotation here; else each of a dozen would be waited for by a quarter of a minute. */
const freshMs = 250;

/** Every check of a plugin, KMS v1 and v2, on the provider in front of the local cloud with some faults. */
async function judge(faults: readonly string[]): Promise<CheckResult[]> {
  await using held = new AsyncDisposableStack();
  const cloud = held.use(await startAlibabaCloud({ faults, seed: "conformance" }));
  const folder = held.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-conformance-")));
  const { keyId } = cloud.admin.createKey();
  const socket = join(folder.path, "kms.sock");
  const start = async () => {
    const { accessKeyId, accessKeySecret } = cloud.root;
    const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret };
    const log = { info() {}, warn() {} };
    const provider = await openAlibabaProvider(settingsOf({ "key-id": keyId, endpoint: cloud.url }, environment), { log });
    return startPlugin({ socket, provider: Object.defineProperty(provider, "keyVersionFreshMs", { value: freshMs }) });
  };
  let plugin = await start();
  held.defer(() => plugin[Symbol.asyncDispose]());
  const { signal } = new AbortController();
  const subject = held.use(
    await openPlugin({
      socket,
      versions: ["v1", "v2"],
      clock,
      random: new Random("conformance"),
      signal,
      rotate: async () => void cloud.admin.rotateKey(keyId),
      async restart() {
        await plugin[Symbol.asyncDispose]();
        plugin = await start();
      },
    }),
  );
  const results: CheckResult[] = [];
  const onResult = (result: CheckResult) => void results.push(result);
  await runChecks(pluginChecks, subject, { clock, signal, skipped: new Map(), concurrency: 1, onStart() {}, onResult });
  return results;
}

// One after the other: 64 callers at once need the machine for themselves.
describe("the provider passes every check of KMS v1 and v2, rotation and restart included", () => {
  it.each([
    ["in front of a KMS in good order", []],
    ["while its KMS throttles one call in five", ["Kms/*:error=429:p=0.2"]],
  ])("%s", async (_how, faults) => {
    const results = await judge(faults);
    expect(results.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
    expect(results).toHaveLength(pluginChecks.length);
  });
});
