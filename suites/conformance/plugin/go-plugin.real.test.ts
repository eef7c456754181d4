import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../../harness/clock.ts";
import { kmsVersions } from "../../../harness/kms/contract.ts";
import { Random } from "../../../harness/random.ts";
import type { CheckResult } from "../../../harness/run/schema.ts";
import { buildGoPlugin, GoPlugin, goLack } from "../../../plugins/testing/go-plugin.ts";
import { pluginChecks } from "../index.ts";
import { openPlugin } from "../plugin-subject.ts";
import { runChecks } from "../run-checks.ts";

const title = "a plugin in Go on the packages that Kubernetes publishes";
const lack = await goLack();
if (lack !== undefined && process.env["KMSMARK_REQUIRE_REAL"] === "1") throw new Error(`"${title}" must run here and cannot: ${lack}`);

describe.skipIf(lack !== undefined)(lack === undefined ? title : `${title} (skipped: ${lack})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "kms-go-"));
  let program: string;
  beforeAll(async () => {
    program = await buildGoPlugin(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(kmsVersions)("passes every check of KMS %s, rotation and restart included", async (kms) => {
    await using plugin = await GoPlugin.start({ program, folder, kms });
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
    expect(subject.versions).toEqual([kms]);
    const results: CheckResult[] = [];
    const onResult = (result: CheckResult) => void results.push(result);
    await runChecks(pluginChecks, subject, { clock, signal, skipped: new Map(), concurrency: 1, onStart() {}, onResult });
    expect(results.filter(({ verdict }) => verdict !== "pass" && verdict !== "not-applicable")).toEqual([]);
    const judged = results.filter(({ verdict }) => verdict === "pass").map(({ id }) => id);
    expect(judged).toEqual(pluginChecks.filter(({ needs }) => needs.includes(`kms-${kms}`)).map(({ id }) => id));
  });
});
