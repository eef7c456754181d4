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

/** The test case of a check, up to its end. */
function caseOf(text: string, id: string): string {
  const [, rest = ""] = text.split(`name="${id}"`);
  return rest.split("<testcase")[0] ?? "";
}

it("has a case for the run and for each check, in its area, and counts them", async () => {
  const text = await render("conform");
  expect(text).toContain('<testsuite name="kmsmark conform" tests="24" failures="5" errors="0" skipped="11"');
  expect(text.match(/<failure /g)).toHaveLength(5);
  expect(text.match(/<skipped /g)).toHaveLength(11);
  expect(text.match(/<testcase classname="plugin" name="plugin\//g)).toHaveLength(17);
  expect(text.match(/<testcase classname="apiserver" name="apiserver\//g)).toHaveLength(6);
});

it("fails a MUST with its evidence and what to do", async () => {
  expect(
    caseOf(await render("conform"), "plugin/v2-status-keyid-limit")
      .split("\n")
      .slice(1, 8),
  ).toEqual([
    '      <failure message="plugin/v2-status-keyid-limit (MUST) fails: The key_id of Status has at most 1024 bytes.">',
    "plugin/v2-status-keyid-limit (MUST) fails: The key_id of Status has at most 1024 bytes.",
    "sent: Status",
    "received: a key_id of 1025 bytes",
    "expected: a key_id of at most 1024 bytes",
    "to do: Shorten the key_id, by a hash for instance: it is stored with every object.",
    "      </failure>",
  ]);
});

it("fails a MUST that could not be judged, and skips a SHOULD", async () => {
  const text = await render("conform");
  expect(caseOf(text, "plugin/v2-connections")).toContain(
    '<failure message="plugin/v2-connections (MUST) could not be judged: The plugin at',
  );
  expect(caseOf(text, "plugin/v2-latency-margin")).toContain('<skipped message="The clock stood still between two calls."/>');
});

it("fails a SHOULD in a strict run alone, and shows it in any", async () => {
  const lax = caseOf(await render("conform"), "plugin/v2-decrypt-annotations-changed");
  expect(lax).toContain("<system-out>\nplugin/v2-decrypt-annotations-changed (SHOULD) fails: ");
  expect(lax).not.toContain("<failure");
  const result = await readRun("reports/fixtures/conform");
  const strict = junit.render({ ...result, header: { ...result.header, strict: true } });
  expect(caseOf(strict, "plugin/v2-decrypt-annotations-changed")).toContain("<failure message=");
  expect(strict).toContain('tests="24" failures="8" errors="0" skipped="10"');
});

it("fails the run that was cut off", async () => {
  expect(await render("cut-off")).toContain('<failure message="The run was cut off in the phase update of kms-v2, 50 secrets.">');
});

it("has a case for each threshold", async () => {
  const thresholds = [
    { expression: "write.p99<20ms", holds: true, measured: "7.258ms" },
    { expression: "cold.decrypts<=1", holds: false, measured: "50" },
  ];
  const text = junit.render({ ...(await readRun("reports/fixtures/embedded")), thresholds });
  expect(text).toContain('tests="6" failures="1"');
  expect(caseOf(text, "write.p99&lt;20ms")).toContain("The threshold write.p99&lt;20ms holds: 7.258ms.");
  expect(caseOf(text, "cold.decrypts&lt;=1")).toContain('<failure message="The threshold cold.decrypts&lt;=1 does not hold: 50.">');
});
