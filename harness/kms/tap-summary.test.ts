import { expect, it } from "vitest";
import type { TapRecord } from "./tap-record.ts";
import { TapSummary } from "./tap-summary.ts";

const record: TapRecord = {
  sequence: 0,
  kms: "v2",
  method: "Encrypt",
  uid: "",
  keyId: "",
  requestBytes: 1,
  responseBytes: 1,
  purpose: "work",
  startMs: 0,
  durationMs: 1,
  grpcCode: 0,
  fault: undefined,
};

it("sums up by KMS version and method, in the contract's order", () => {
  const summary = new TapSummary();
  summary.add({ ...record, method: "Decrypt", durationMs: 3, grpcCode: 14 });
  summary.add(record);
  summary.add({ ...record, durationMs: 5 });
  summary.add({ ...record, kms: "v1", purpose: "probe" });
  expect(summary.toJson()).toEqual([
    { kms: "v1", method: "Encrypt", calls: 1, failed: 0, probes: 1, p50Ms: 1, p99Ms: 1, maxMs: 1 },
    { kms: "v2", method: "Encrypt", calls: 2, failed: 0, probes: 0, p50Ms: expect.closeTo(1, 2), p99Ms: 5, maxMs: 5 },
    { kms: "v2", method: "Decrypt", calls: 1, failed: 1, probes: 0, p50Ms: 3, p99Ms: 3, maxMs: 3 },
  ]);
  expect(summary.sentence(2)).toBe("Encrypt 3, Decrypt 1 (1 failed), 2.0 calls/s");
});

it("says when nothing came", () => {
  expect([new TapSummary().toJson(), new TapSummary().sentence(0)]).toEqual([[], "no calls yet, 0.0 calls/s"]);
});
