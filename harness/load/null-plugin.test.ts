import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { measureFloor } from "./floor.ts";
import { nullPlugin } from "./null-plugin.ts";

const folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("is answered by, through the client that loads plugins, and leaves nothing", async () => {
  const signal = new AbortController().signal;
  const { roundTrips } = await measureFloor({ clock: systemClock, signal, nullServers: [nullPlugin(folder, systemClock)] });
  expect(roundTrips["grpc-unix"]?.count).toBe(300);
  expect(readdirSync(folder)).toEqual([]);
});
