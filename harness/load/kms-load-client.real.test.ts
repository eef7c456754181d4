import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildGoPlugin, GoPlugin, goLack } from "../../plugins/testing/go-plugin.ts";
import { systemClock as clock } from "../clock.ts";
import { kmsVersions } from "../kms/contract.ts";
import { Random } from "../random.ts";
import { LoadDriver } from "./driver.ts";
import { kmsCalls, kmsLoadMethods } from "./kms-calls.ts";
import { KmsLoadClient } from "./kms-load-client.ts";
import { closedLoop } from "./schedule.ts";

const title = "the client for load and a plugin in Go on the packages that Kubernetes publishes";
const lack = await goLack();
if (lack !== undefined && process.env["KMSMARK_REQUIRE_REAL"] === "1") throw new Error(`"${title}" must run here and cannot: ${lack}`);

describe.skipIf(lack !== undefined)(lack === undefined ? title : `${title} (skipped: ${lack})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "kms-go-"));
  const signal = new AbortController().signal;
  let program: string;
  beforeAll(async () => {
    program = await buildGoPlugin(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(kmsVersions)("makes every call of KMS %s once, and every answer is right", async (kms) => {
    await using plugin = await GoPlugin.start({ program, folder, kms });
    for (const method of kmsLoadMethods) {
      const calls = await kmsCalls({ endpoint: plugin.socket, kms, method, count: 64, random: new Random(`${kms} ${method}`), clock });
      await using client = await KmsLoadClient.connect({ endpoint: plugin.socket, calls, clock, verifyEvery: 1 });
      const { due, ok, failures } = await new LoadDriver({
        schedule: closedLoop({ inFlight: 32, count: 20_000 }),
        sender: client,
        clock,
        signal,
      }).run();
      expect({ due, ok, failures }).toEqual({ due: 20_000, ok: 20_000, failures: [] });
    }
  });

  it("loses no call when the plugin shuts down and comes back in the middle: those that it did not take wait for it", async () => {
    await using plugin = await GoPlugin.start({ program, folder, kms: "v2" });
    const calls = await kmsCalls({
      endpoint: plugin.socket,
      kms: "v2",
      method: "encrypt",
      count: 64,
      random: new Random("restart"),
      clock,
    });
    await using client = await KmsLoadClient.connect({ endpoint: plugin.socket, calls, clock, timeoutMs: 30_000 });
    const driver = new LoadDriver({ schedule: closedLoop({ inFlight: 32, count: 60_000 }), sender: client, clock, signal });
    const running = driver.run();
    let restarts = 0;
    for (const after of [10_000, 30_000]) {
      while (driver.progress().done < after) await clock.sleep(1);
      await plugin.restart();
      restarts++;
    }
    const { due, ok, failed, failures } = await running;
    expect(restarts).toBe(2);
    expect(due).toBe(60_000);
    expect(ok + failed).toBe(60_000);
    // A connection that the plugin closes after all that it had promised leaves nothing unanswered.
    expect(failures).toEqual([]);
  });
});
