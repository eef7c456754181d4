import { expect, it } from "vitest";
import { VirtualClock } from "../../virtual-clock.ts";
import { FloodGuard } from "./flood-guard.ts";

/** How many frames that do nothing for a call it lets pass, of at most a million. */
function passed(guard: FloodGuard): number {
  let count = 0;
  while (count < 1_000_000 && guard.spend()) count++;
  return count;
}

it("lets ten thousand pass at once", () => {
  expect(passed(new FloodGuard(new VirtualClock()))).toBe(9999);
});

it("grows with time, and not without end", async () => {
  const clock = new VirtualClock();
  const guard = new FloodGuard(clock);
  passed(guard);
  await clock.advance(10_000);
  expect(passed(guard)).toBe(1000);
  await clock.advance(10_000_000);
  expect(passed(guard)).toBe(10_000);
});

it("grows by calls that were answered", () => {
  const guard = new FloodGuard(new VirtualClock());
  passed(guard);
  for (let call = 0; call < 100; call++) guard.earn();
  expect(passed(guard)).toBe(399);
});
