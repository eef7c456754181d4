import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { z } from "zod";
import { root } from "./steps.ts";

const measured = z.array(
  z.object({
    load: z.string(),
    requests: z.number(),
    ok: z.number(),
    heapGrownBytes: z.number(),
    arrayBuffersGrownBytes: z.number(),
  }),
);

it("takes no memory for a sample, from 50,000 to half a million of them", async () => {
  const script = join(root, "scripts/measure-driver.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script, "500000"]);
  const loads = measured.parse(JSON.parse(stdout));
  expect(loads.map(({ load, ok }) => ({ load, ok }))).toEqual([
    { load: "closed", ok: 500_000 },
    { load: "open", ok: 500_000 },
  ]);
  for (const { requests, heapGrownBytes, arrayBuffersGrownBytes } of loads) {
    // A number kept of each would be 8 bytes. What the process holds beside is the collector's to give back, and says nothing in so short a time.
    expect(heapGrownBytes / requests).toBeLessThan(1);
    expect(arrayBuffersGrownBytes / requests).toBeLessThan(1);
  }
});
