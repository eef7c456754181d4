import { expect, it } from "vitest";
import { systemClock as clock } from "./clock.ts";
import { connectKmsV2 } from "./kms/client.ts";
import { Lease } from "./lease.ts";
import { startPluginProcess } from "./plugin-process.ts";

it("rotates the key of the bundled plugin while that serves", async () => {
  await using lease = Lease.take("test", async () => {});
  await using plugin = await startPluginProcess({ lease, clock, signal: new AbortController().signal });
  using kms = connectKmsV2(plugin.socket);
  const before = await kms.status();
  expect((await kms.status()).keyId).toBe(before.keyId);
  await plugin.rotateKey?.();
  const after = await kms.status();
  expect(after.healthz).toBe("ok");
  expect(after.keyId).not.toBe(before.keyId);
});
