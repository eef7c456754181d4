import { expect, it } from "vitest";
import { VirtualClock } from "../harness/virtual-clock.ts";
import { DeadlineWatch } from "./deadline-watch.ts";

/** A clock that counts the timers that were started on it. */
class CountingClock extends VirtualClock {
  timerCount = 0;
  override startTimer(ms: number, run: () => void) {
    this.timerCount++;
    return super.startTimer(ms, run);
  }
}

function arrange() {
  const clock = new CountingClock();
  const watch = new DeadlineWatch(clock);
  const expired: string[] = [];
  const add = (name: string, deadlineMs: number) => {
    const each = { deadlineMs, expire: () => expired.push(`${name} at ${clock.monotonicMs()}`) };
    watch.add(each);
    return each;
  };
  return { clock, watch, expired, add };
}

it("tells each of its deadline, once, in whatever order they were added", async () => {
  const { clock, expired, add } = arrange();
  add("late", 300);
  add("early", 100);
  add("with it", 100);
  await clock.advance(1000);
  expect(expired).toEqual(["early at 100", "with it at 100", "late at 300"]);
});

it("leaves alone what has ended before", async () => {
  const { clock, watch, expired, add } = arrange();
  const over = add("over", 100);
  add("goes on", 200);
  watch.delete(over);
  expect([...watch.watched]).toHaveLength(1);
  await clock.advance(1000);
  expect(expired).toEqual(["goes on at 200"]);
});

it("needs one timer for many calls of the same timeout", async () => {
  const { clock, watch, add } = arrange();
  for (let call = 0; call < 1000; call++) {
    watch.delete(add("brief", clock.monotonicMs() + 3000));
    await clock.advance(1);
  }
  expect(clock.timerCount).toBe(1);
});

it("tells of what is added when it is over at once, and of nothing when it was disposed of", async () => {
  const { clock, watch, expired, add } = arrange();
  await clock.advance(50);
  add("past", 10);
  await clock.advance(0);
  expect(expired).toEqual(["past at 50"]);
  add("later", 100);
  watch[Symbol.dispose]();
  await clock.advance(1000);
  expect(expired).toHaveLength(1);
});
