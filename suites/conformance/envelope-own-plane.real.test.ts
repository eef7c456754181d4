import { describe, expect, it } from "vitest";
import { systemClock as clock } from "../../harness/clock.ts";
import type { CheckResult } from "../../harness/run/schema.ts";
import { describeReal } from "../../harness/target/real-test.ts";
import { ownPlaneOf } from "./envelope-test-plane.ts";
import { envelopeChecks } from "./index.ts";
import { runChecks } from "./run-checks.ts";

await describeReal("processes", "the stored values of a real kube-apiserver", () => {
  describe("with every provider in turn", () => {
    it("pass every check, and are read by either side", async () => {
      await using subject = await ownPlaneOf("processes");
      const results: CheckResult[] = [];
      await runChecks(envelopeChecks, subject, {
        clock,
        signal: new AbortController().signal,
        skipped: new Map(),
        concurrency: envelopeChecks.length,
        onStart() {},
        onResult: (result) => results.push(result),
      });
      const others = results.filter(({ verdict }) => verdict !== "pass");
      expect(others.map(({ id, verdict, reason, evidence }) => ({ id, verdict, reason, evidence }))).toMatchObject([
        { id: "envelope/one-writer", verdict: "not-applicable" },
        { id: "envelope/kms-v2-nonce-once", verdict: "not-applicable" },
      ]);
      expect(results.length).toBe(envelopeChecks.length);
    });
  });
});
