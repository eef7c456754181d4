import { expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { floorSchema } from "../run/schema.ts";
import { measureFloor } from "./floor.ts";
import { promiseSender } from "./promise-sender.ts";

const never = new AbortController().signal;

it("measures the clock, the loop, the sending, and every null server once it is warm", async () => {
  const seen: string[] = [];
  const floor = await measureFloor({
    clock: systemClock,
    signal: never,
    nullServers: [
      {
        name: "grpc-unix",
        open: async (requests) => ({
          sender: promiseSender(requests, async () => ({ status: 0, failure: undefined })),
          [Symbol.asyncDispose]: async () => {
            seen.push(`closed after ${requests}`);
          },
        }),
      },
    ],
  });
  expect(floorSchema.parse(floor)).toEqual(floor);
  expect(floor.roundTrips).toMatchObject({ "grpc-unix": { count: 300 } });
  expect(floor.eventLoopDelay.count).toBe(60);
  expect(floor.sendDelay?.count).toBe(60);
  expect(floor.clockResolutionNs).toBeGreaterThan(0);
  expect(seen).toEqual(["closed after 500"]);
});

it("ends when the run does", async () => {
  await expect(measureFloor({ clock: systemClock, signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow("stop");
});
