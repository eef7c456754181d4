import { describe, expect, it } from "vitest";
import { Random } from "../harness/random.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";
import { ProviderFault, type ProviderFaultKind } from "./provider.ts";
import { withRetries } from "./retry.ts";

/** Plays attempts that take `attemptMs` each and fail as told until the list is at its end; gives back when each was begun. */
async function play(faults: readonly ProviderFault[], { attemptMs = 0, deadlineMs = 3000, signal = new AbortController().signal } = {}) {
  const clock = new VirtualClock();
  const startsMs: number[] = [];
  const outcome = withRetries(
    async () => {
      const fault = faults[startsMs.length];
      startsMs.push(clock.monotonicMs());
      await clock.sleep(attemptMs);
      if (fault !== undefined) throw fault;
      return "answer";
    },
    { signal, deadlineMs },
    { clock, random: new Random("retry") },
  ).catch((thrown: unknown) => thrown);
  await clock.advance(60_000);
  return { outcome: await outcome, startsMs };
}

const fault = (kind: ProviderFaultKind, retryAfterMs?: number) =>
  new ProviderFault(kind, `${kind}.`, retryAfterMs === undefined ? {} : { retryAfterMs });

describe("withRetries", () => {
  it.each(["unavailable", "throttled"] as const)("repeats what failed as %s", async (kind) => {
    const { outcome, startsMs } = await play([fault(kind), fault(kind)]);
    expect(outcome).toBe("answer");
    expect(startsMs).toHaveLength(3);
  });

  it.each(["deadline", "key-unusable", "permission-denied", "invalid-ciphertext", "invalid-request", "internal", "cancelled"] as const)(
    "does not repeat what failed as %s",
    async (kind) => {
      const only = fault(kind);
      expect(await play([only])).toEqual({ outcome: only, startsMs: [0] });
    },
  );

  it("draws each pause from a range that doubles up to a second", async () => {
    const { startsMs } = await play(
      Array.from({ length: 12 }, () => fault("unavailable")),
      { deadlineMs: 60_000 },
    );
    const pausesMs = startsMs.slice(1).map((startMs, index) => startMs - (startsMs[index] ?? 0));
    const rangesMs = [50, 100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000, 1000, 1000];
    expect(pausesMs.map((pauseMs, index) => pauseMs >= 0 && pauseMs < (rangesMs[index] ?? 0))).toEqual(rangesMs.map(() => true));
    expect(new Set(pausesMs).size).toBe(12);
  });

  it("waits as long as the KMS advises", async () => {
    expect((await play([fault("throttled", 700)])).startsMs).toEqual([0, 700]);
  });

  it("gives the fault back rather than begin what would end after the deadline", async () => {
    const advised = fault("throttled", 700);
    expect(await play([advised], { deadlineMs: 701 })).toEqual({ outcome: "answer", startsMs: [0, 700] });
    expect(await play([advised], { deadlineMs: 700 })).toEqual({ outcome: advised, startsMs: [0] });
    // An attempt of 100 ms that begins at 800 ends at 900.
    expect((await play([advised], { attemptMs: 100, deadlineMs: 901 })).startsMs).toEqual([0, 800]);
    expect(await play([advised], { attemptMs: 100, deadlineMs: 900 })).toEqual({ outcome: advised, startsMs: [0] });
  });

  it("does not repeat for a caller who has gone", async () => {
    const only = fault("unavailable");
    expect(await play([only], { signal: AbortSignal.abort() })).toEqual({ outcome: only, startsMs: [0] });
  });

  it("ends a pause when the caller goes", async () => {
    const clock = new VirtualClock();
    const gone = new AbortController();
    const outcome = withRetries(
      () => Promise.reject(fault("throttled", 1000)),
      { signal: gone.signal, deadlineMs: 3000 },
      { clock, random: new Random("retry") },
    ).catch((thrown: unknown) => thrown);
    await clock.advance(500);
    const reason = fault("cancelled");
    gone.abort(reason);
    expect(await outcome).toBe(reason);
  });
});
