import { describe, expect, it } from "vitest";
import { readRun } from "../harness/run/read-run.ts";
import { renderTerminal } from "./terminal.ts";

const complete = await readRun("reports/fixtures/complete");

it("says in its first line that a model's figures are a model's", async () => {
  const [first] = renderTerminal(await readRun("reports/fixtures/embedded"), 100).split("\n");
  expect(first).toBe("These figures are a model's: the target embedded is no kube-apiserver.");
});

it("marks what was wrong, where it is said and in the table", async () => {
  const lines = renderTerminal(await readRun("reports/fixtures/mismatch"), 120).split("\n");
  expect(lines.filter((line) => line.startsWith("✗ "))).toEqual([
    "✗ kms-v2, 50 secrets: The counts do not agree in the phase cold: Decrypt calls, 1 at the tap, 3 at the API server.",
    "✗ kms-v1, 50 secrets: 1 of 45 envelopes are wrong. The first is /registry/secrets/bench/token_<07>: The AEAD does not",
    "✗ kms-v1, 50 secrets: 3 of 50 requests of the phase write failed. Most often: 500 Internal error occurred: rpc error:",
    "✗ kms-v2: 50 of 50 envelopes right, 3.06 KiB stored per secret (1.09 × the plaintext)",
    "✗ kms-v1: 44 of 45 envelopes right, 3.26 KiB stored per secret (1.05 × the plaintext)",
  ]);
  expect(lines).toContain("    ! 3 of 50 requests failed, 2 of 50 requests never sent, 3 of 48 Encrypt calls failed");
});

describe("its width", () => {
  it("does not fall below 60 columns", () => {
    expect(renderTerminal(complete, 20)).toBe(renderTerminal(complete, 60));
  });

  it.each([
    [60, ["p50", "p99", "rate", "Encrypt", "Decrypt"]],
    [72, ["p50", "p99", "max", "rate", "Encrypt", "Decrypt", "Status"]],
    [80, ["took", "p50", "p99", "max", "rate", "Encrypt", "Decrypt", "Status"]],
  ])("of %d columns has room for the figures that matter most", (columns, titles) => {
    const [header] = renderTerminal(complete, columns)
      .split("\n")
      .filter((line) => line.startsWith("50 secrets"));
    expect(header?.trim().split(/\s+/).slice(2)).toEqual(titles);
  });
});

/** The lines of the table of KMS calls, up to the blank line. */
function kmsLines(text: string): string[] {
  const lines = text.split("\n");
  const from = lines.findIndex((line) => line.startsWith("KMS calls at the tap"));
  return from < 0 ? [] : lines.slice(from, lines.indexOf("", from));
}

describe("the KMS calls at the tap", () => {
  it("are shown for each provider and method that was called", () => {
    expect(kmsLines(renderTerminal(complete, 80))).toEqual([
      "KMS calls at the tap  calls  failed  of them probes     p50     p99     max",
      "  kms-v2 Status           4       0               0  126 µs  180 µs  180 µs",
      "  kms-v2 Encrypt          2       0               0  224 µs  224 µs  224 µs",
      "  kms-v2 Decrypt          1       0               0  238 µs  238 µs  238 µs",
      "  kms-v1 Version          2       0               0  105 µs  105 µs  105 µs",
      "  kms-v1 Encrypt        102       0               2  290 µs  587 µs  587 µs",
      "  kms-v1 Decrypt         52       0               2  302 µs  617 µs  617 µs",
    ]);
  });

  it("keep the figures that matter most where there is little room", () => {
    const [header = ""] = kmsLines(renderTerminal(complete, 60));
    expect(header.trim().split(/\s{2,}/)).toEqual(["KMS calls at the tap", "calls", "failed", "p50", "p99", "max"]);
  });

  it("are left out where no tap stood", () => {
    const cells = complete.cells.map((cell) => ({ ...cell, phases: cell.phases.map((phase) => ({ ...phase, kms: null })) }));
    expect(kmsLines(renderTerminal({ ...complete, cells }, 80))).toEqual([]);
  });
});

it("shows a run without figures", () => {
  expect(renderTerminal({ ...complete, cells: [] }, 100)).toContain("✗ Nothing was measured.\n");
});

describe("a run of checks", async () => {
  const conform = await readRun("reports/fixtures/conform");

  it("shows the failures first, then what could not be judged, of each the faults first", () => {
    const heads = renderTerminal(conform, 120)
      .split("\n")
      .filter((line) => /^[✗·] (FAIL|not judged): /.test(line));
    expect(heads).toEqual([
      "✗ FAIL: plugin/v2-status-keyid-limit (MUST)",
      "✗ FAIL: apiserver/lp-04-tampered (MUST)",
      "· FAIL: plugin/v2-decrypt-annotations-changed (SHOULD)",
      "· FAIL: plugin/v2-decrypt-unknown-keyid (SHOULD)",
      "✗ not judged: plugin/v2-concurrent-callers (MUST), plugin/v2-connections (MUST), plugin/v2-decrypt-flipped (MUST)",
      "· not judged: plugin/v2-latency-margin (SHOULD)",
    ]);
  });

  it("says of a failure what was sent, received and expected, and what to do", () => {
    const [, failure] = renderTerminal(conform, 120).split("\n\n");
    expect(failure?.split("\n")).toEqual([
      "✗ FAIL: plugin/v2-status-keyid-limit (MUST)",
      "  rule      The key_id of Status has at most 1024 bytes.",
      "  sent      Status",
      "  received  a key_id of 1025 bytes",
      "  expected  a key_id of at most 1024 bytes",
      "  to do     Shorten the key_id, by a hash for instance: it is stored with every object.",
    ]);
  });

  it("counts by suite, and ends with the verdict and the reasons why some were not judged", () => {
    const [reasons, counts] = renderTerminal(conform, 120).trimEnd().split("\n\n").reverse();
    expect(counts?.split("\n")).toEqual([
      "Checks       pass  FAIL  n/a  skipped  not judged",
      "  plugin        3     3    6        1           4",
      "  apiserver     2     1    1        2           0",
    ]);
    expect(reasons?.split("\n").slice(0, 2)).toEqual([
      "✗ 5 of 23 checks pass, 4 fail (2 MUST), 4 could not be judged (3 MUST), 7 do not apply, 3 were skipped.",
      "· 4 checks do not apply: KMS v1 is not checked: the plugin does not serve it, or it was not asked for.",
    ]);
  });

  it("shows a few pieces of evidence of many", () => {
    const text = renderTerminal(conform, 120);
    expect(text.match(/ {2}sent {6}GET of a Secret/g)).toHaveLength(3);
    expect(text).toContain("            and 2 more of the kind in report.html\n");
  });

  it("has no tables of a benchmark, nor a benchmark one of checks", () => {
    expect(renderTerminal(conform, 120)).not.toMatch(/secrets {2}|KMS calls at the tap/);
    expect(renderTerminal(complete, 120)).not.toContain("Checks");
  });
});
