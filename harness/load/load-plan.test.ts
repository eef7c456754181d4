import { expect, it } from "vitest";
import { Random } from "../random.ts";
import { type LoadPlan, scheduleOf } from "./load-plan.ts";

const random = new Random("plan");
const open = { model: "open", ratePerSecond: 100, inFlightMax: 8 } as const;
const plans: Record<string, LoadPlan> = {
  constant: { ...open, arrivals: "constant" },
  poisson: { ...open, arrivals: "poisson" },
  ramp: { ...open, arrivals: "ramp", shape: { arrivals: "ramp", fromPerSecond: 50, toPerSecond: 150 } },
  step: { ...open, arrivals: "step", shape: { arrivals: "step", ratesPerSecond: [50, 150] } },
  spike: { ...open, arrivals: "spike", shape: { arrivals: "spike", basePerSecond: 50, peakPerSecond: 300 } },
  replay: { ...open, arrivals: "replay", shape: { arrivals: "replay", recordedMs: Float64Array.of(0, 10, 20) } },
};

it.each(Object.keys(plans))("has as many requests as are asked for, of the kind that is: %s", (kind) => {
  const plan = plans[kind] ?? plans["constant"];
  if (plan === undefined) throw new TypeError();
  expect(scheduleOf(plan, { count: 40, random })).toMatchObject({ model: "open", arrivals: kind, count: 40, ratePerSecond: 100 });
});

it.each(Object.keys(plans))("has as many requests as fall due in its time: %s", (kind) => {
  const schedule = scheduleOf({ ...(plans[kind] ?? { model: "closed", inFlight: 1 }), durationMs: 2000 }, { count: 1, random });
  if (schedule.model === "closed") throw new TypeError();
  const nextMs = schedule.dueTimesMs();
  const dueMs = Array.from({ length: schedule.count + 1 }, nextMs);
  expect(dueMs.at(-2)).toBeLessThan(2000);
  expect(dueMs.at(-1)).toBeGreaterThan(2000 - 1e-6);
});

it("ends a closed load by whichever comes first", () => {
  expect(scheduleOf({ model: "closed", inFlight: 4, durationMs: 2000 }, { count: 9, random })).toEqual({
    model: "closed",
    inFlight: 4,
    count: 9,
    durationMs: 2000,
  });
});
