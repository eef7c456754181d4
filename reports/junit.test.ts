import { expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import { junit } from "./junit.ts";

const render = async (theme: string) => junit.render(await readRun(`reports/fixtures/${theme}`));

it("has a passing case for the run and for each provider and size", async () => {
  const text = await render("embedded");
  expect(text).toContain('<testsuites name="kmsmark" tests="4" failures="0" errors="0" skipped="0" time="19.411">');
  expect([...text.matchAll(/<testcase classname="kmsmark bench" name="([^"]+)"/g)].map(([, name]) => name)).toEqual([
    "the run is complete",
    "identity, 50 secrets",
    "kms-v2, 50 secrets",
    "aesgcm, 50 secrets",
  ]);
});

it("fails the cases of what was wrong, with every reason", async () => {
  const text = await render("mismatch");
  expect(text).toContain('tests="3" failures="2"');
  expect(text).toContain("1 of 45 envelopes are wrong. The first is /registry/secrets/bench/token_&lt;07&gt;: The AEAD does not open.\n");
  expect(text).toContain("3 of 50 requests of the phase write failed.");
});

it("fails the run that was cut off", async () => {
  expect(await render("cut-off")).toContain('<failure message="The run was cut off in the phase update of kms-v2, 50 secrets.">');
});
