import { expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { measureFloor } from "./floor.ts";
import { nullApi } from "./null-api.ts";

it("is answered by, through the client that loads API servers", async () => {
  const { signal } = new AbortController();
  const { roundTrips } = await measureFloor({ clock: systemClock, signal, nullServers: [nullApi(systemClock, signal)] });
  expect(roundTrips["https"]?.count).toBe(300);
});
