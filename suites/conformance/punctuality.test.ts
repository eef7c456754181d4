import { expect, it } from "vitest";
import type { Clock } from "../../harness/clock.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import type { Outcome } from "./check.ts";
import { Punctuality } from "./punctuality.ts";

const evidence = [{ sent: "nothing", received: "Status after 90.0 s", expected: "Status every 60 s" }];
const fail: Outcome = { verdict: "fail", evidence };
const pass: Outcome = { verdict: "pass", evidence };

it("lets a failure stand on a machine that keeps time", async () => {
  const clock = new VirtualClock();
  using punctuality = new Punctuality(clock);
  await clock.advance(60_000);
  expect(punctuality.judge(fail)).toBe(fail);
});

it("makes a failure inconclusive on a machine that was late once, and keeps the evidence", async () => {
  const time = new VirtualClock();
  let timers = 0;
  const late: Clock = {
    monotonicMs: () => time.monotonicMs(),
    wallMs: () => time.wallMs(),
    sleep: (ms) => time.sleep(ms),
    startTimer: (ms, run) => time.startTimer(++timers === 3 ? ms + 2500 : ms, run),
    startAlarm: (ring) => time.startAlarm(ring),
  };
  using punctuality = new Punctuality(late);
  await time.advance(60_000);
  const outcome = punctuality.judge(fail);
  expect(outcome).toEqual({
    verdict: "inconclusive",
    reason: "This machine was up to 2.5 s late, so that no times could be judged on it.",
    evidence,
  });
  expect(punctuality.judge(pass)).toBe(pass);
});

it("stops its timers", async () => {
  const clock = new VirtualClock();
  {
    using _ = new Punctuality(clock);
  }
  await clock.advance(10_000);
  expect(clock.monotonicMs()).toBe(10_000);
});
