import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../../harness/clock.ts";
import { Random } from "../../../harness/random.ts";
import type { CheckResult } from "../../../harness/run/schema.ts";
import { buildGoPlugin, GoPlugin, hasGo } from "../../../plugins/testing/go-plugin.ts";
import { pluginChecks } from "../index.ts";
import { openPlugin } from "../plugin-subject.ts";
import { runChecks } from "../run-checks.ts";

const isThere = await hasGo();
if (!isThere && process.env["KMSMARK_REQUIRE_REAL"] === "1")
  throw new Error("The plugin in Go must be judged here, and there is no Go toolchain.");

const folder = mkdtempSync(join(tmpdir(), "kms-go-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!isThere)("a plugin in Go on the service package of Kubernetes", () => {
  it("passes every check of KMS v2, rotation and restart included", async () => {
    await using plugin = await GoPlugin.start(await buildGoPlugin(folder), folder);
    const { signal } = new AbortController();
    using subject = await openPlugin({
      socket: plugin.socket,
      versions: undefined,
      clock,
      random: new Random("go-plugin"),
      signal,
      rotate: () => plugin.rotate(),
      restart: () => plugin.restart(),
    });
    expect(subject.versions).toEqual(["v2"]);
    const results: CheckResult[] = [];
    const onResult = (result: CheckResult) => void results.push(result);
    await runChecks(pluginChecks, subject, { clock, signal, skipped: new Map(), concurrency: 1, onStart() {}, onResult });
    expect(results.filter(({ verdict }) => verdict !== "pass" && verdict !== "not-applicable")).toEqual([]);
    const judged = results.filter(({ verdict }) => verdict === "pass").map(({ id }) => id);
    expect(judged).toEqual(pluginChecks.filter(({ needs }) => needs.includes("kms-v2")).map(({ id }) => id));
  });
});
