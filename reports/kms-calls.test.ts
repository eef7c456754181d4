import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "../harness/load/histogram.ts";
import { readRun } from "../harness/run/read-run.ts";
import type { KmsMethod, Phase } from "../harness/run/schema.ts";
import { kmsCalls, kmsColumns } from "./kms-calls.ts";

const [start] = (await readRun("reports/fixtures/complete")).cells.flatMap(({ phases }) => phases);
if (start === undefined) throw new Error("The fixture has no phase.");

/** A cell whose phases saw these calls, and nothing else that matters here. */
const cell = (...kms: readonly Phase["kms"][]): { phases: Phase[] } => ({ phases: kms.map((seen) => ({ ...start, kms: seen })) });

function calls(durationsMs: readonly number[], { failed = 0, probes = 0 } = {}): KmsMethod {
  const histogram = LatencyHistogram.empty();
  for (const ms of durationsMs) histogram.recordMs(ms);
  return { calls: durationsMs.length, failed, probes, latency: histogram.toLatency() };
}

describe("the calls of a cell", () => {
  it("add up what the phases saw", () => {
    const write = { Encrypt: calls([1, 2, 3], { failed: 1 }) };
    const restart = { Encrypt: calls([4], { probes: 1 }) };
    expect(kmsCalls(cell(write, restart))).toMatchObject([{ method: "Encrypt", calls: 4, failed: 1, probes: 1 }]);
  });

  it("have the quantiles of all calls, not a mean of the phases' quantiles", () => {
    // 90 calls of 1 ms and 10 of 100 ms: the mean of the phases' medians would be 50.5 ms, and of their p99s too.
    const [decrypt] = kmsCalls(cell({ Decrypt: calls(Array(90).fill(1)) }, { Decrypt: calls(Array(10).fill(100)) }));
    expect(decrypt?.latency).toMatchObject({ count: 100, min: 1e6, max: 100e6 });
    expect(kmsColumns.map(({ title, of }) => `${title} ${decrypt === undefined ? "" : of(decrypt)}`)).toEqual([
      "calls 100",
      "failed 0",
      "of them probes 0",
      "p50 1.00 ms",
      "p99 100 ms",
      "max 100 ms",
    ]);
  });

  it("stand in the order of the handshake, then of the work, then what else was called", () => {
    const phase = Object.fromEntries(["Zeta", "Decrypt", "Alpha", "Encrypt", "Version", "Status"].map((name) => [name, calls([1])]));
    expect(kmsCalls(cell(phase)).map(({ method }) => method)).toEqual(["Status", "Version", "Encrypt", "Decrypt", "Alpha", "Zeta"]);
  });

  it("are only of methods that were called", () => {
    expect(kmsCalls(cell({ Encrypt: { calls: 0, failed: 0, probes: 0, latency: null } }, {}))).toEqual([]);
  });

  it("are none where no tap stood", () => {
    expect(kmsCalls(cell(null))).toEqual([]);
  });

  it("have no latency where none was kept", () => {
    const [encrypt] = kmsCalls(cell({ Encrypt: { calls: 2, failed: 2, probes: 0, latency: null } }));
    expect(encrypt).toEqual({ method: "Encrypt", calls: 2, failed: 2, probes: 0, latency: null });
    expect(kmsColumns.map(({ of }) => (encrypt === undefined ? "" : of(encrypt)))).toEqual(["2", "2", "0", "–", "–", "–"]);
  });

  it("refuse a damaged histogram", () => {
    const damaged = calls([1, 2]);
    const latency = damaged.latency === null ? null : { ...damaged.latency, count: 3 };
    expect(() => kmsCalls(cell({ Encrypt: { ...damaged, latency } }))).toThrow("it holds 2 values instead of 3");
  });
});
