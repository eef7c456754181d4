import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { realKinds } from "../harness/target/real-test.ts";
import { failing, fastChecks, passes } from "./steps.ts";

/** What vitest's json reporter writes, as far as it is read here. */
const outcomeSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numFailedTestSuites: z.number(),
});

/**
 * `npm test`: the fast checks, then every test that this machine can run. A kind of real test that it cannot run is named with the reason;
 * under KMSMARK_REQUIRE_REAL=1 that is a failure. The closing line counts tests.
 */
const failedChecks = await failing(fastChecks);

const folder = await mkdtemp(join(tmpdir(), "kmsmark-test-"));
try {
  const report = join(folder, "outcome.json");
  const passed = await passes({
    title: "tests",
    words: ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)],
  });
  const outcome = outcomeSchema.parse(JSON.parse(await readFile(report, "utf8")));

  process.stdout.write("\n");
  let missing = 0;
  for (const kind of await realKinds()) {
    process.stdout.write(
      kind.lack === undefined ? `Tests on ${kind.name}: run.\n` : `Tests on ${kind.name}: skipped, because ${kind.lack}\n`,
    );
    if (kind.lack !== undefined) missing++;
  }
  const required = process.env["KMSMARK_REQUIRE_REAL"] === "1";
  if (required && missing > 0) process.stdout.write("KMSMARK_REQUIRE_REAL=1 forbids skipping them.\n");
  if (failedChecks.length > 0) process.stdout.write(`Failed: ${failedChecks.join("; ")}.\n`);
  process.stdout.write(`${outcome.numPassedTests} passed, ${outcome.numFailedTests} failed, ${outcome.numPendingTests} skipped\n`);
  const good =
    passed && failedChecks.length === 0 && outcome.numPassedTests > 0 && !(required && (missing > 0 || outcome.numPendingTests > 0));
  process.exitCode = good ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
