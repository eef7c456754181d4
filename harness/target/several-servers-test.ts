import { expect } from "vitest";
import { startKmsChain } from "../../suites/bench/kms-chain.ts";
import { configurationForEach } from "../../suites/bench/provider-configuration.ts";
import { systemClock as clock } from "../clock.ts";
import type { Tap } from "../kms/tap.ts";
import type { Lease } from "../lease.ts";
import { SecretsClient } from "../load/api-client.ts";
import { encodeSecret } from "../load/secret-spec.ts";
import { localProvider } from "../plugin-process.ts";
import { defaultVersions } from "./install/index.ts";
import type { ApiAccess, ControlPlane, Target } from "./target.ts";

const apiServers = 3;

/** For tests: three API servers of a target share one store, are told apart by the taps before their KMS, and stop and start alone or together. */
export async function expectSeveralServers(target: Target, lease: Lease): Promise<void> {
  const { signal } = new AbortController();
  await using chain = await startKmsChain({ pluginSocket: undefined, bundledProvider: localProvider, apiServers, lease, clock, signal });
  const { encryption } = configurationForEach("kms-v2", { kmsSockets: chain.taps.map(({ socket }) => socket), cacheSize: 1000 });
  // One value at a time, so that the number of Decrypt calls is exact (spec encryption-at-rest 7).
  const featureGates = { ConcurrentWatchObjectDecode: false, DetectCacheInconsistency: false };
  await using plane = await target.start({ ...defaultVersions, encryption, apiServers, featureGates, lease, clock, signal });

  const urls = plane.apis.map(({ url }) => url);
  expect(new Set(urls).size).toBe(apiServers);
  expect(plane.api).toEqual(plane.apis[0]);
  for (const tap of chain.taps) expect(await callsAt(tap)).toMatchObject({ Encrypt: 1, Decrypt: 0 });

  // Each writes with a DEK source of its own, which the others have to have decrypted once.
  for (const [at, api] of plane.apis.entries()) expect(await create(api, `by-${at}`)).toBe(201);
  expect(await answers(plane)).toEqual(plane.apis.map(() => [200, 200, 200]));
  for (const tap of chain.taps) expect((await callsAt(tap)).Decrypt).toBeLessThanOrEqual(apiServers - 1);

  await plane.stopApiServer(1);
  expect(await answers(plane)).toEqual([[200, 200, 200], "api-unreachable", [200, 200, 200]]);
  expect(await plane.startApiServer({ server: 1 })).toHaveLength(1);
  const [first, second, third] = await Promise.all(chain.taps.map(callsAt));
  expect([first, second, third].map((calls) => [calls?.Encrypt, calls?.Decrypt])).toEqual([
    [0, 0],
    [1, 3],
    [0, 0],
  ]);

  await plane.stopApiServer();
  expect(await answers(plane)).toEqual(["api-unreachable", "api-unreachable", "api-unreachable"]);
  expect(await plane.startApiServer()).toHaveLength(apiServers);
  expect(plane.apis.map(({ url }) => url)).toEqual(urls);
  expect(await answers(plane)).toEqual(plane.apis.map(() => [200, 200, 200]));
  for (const tap of chain.taps) expect(await callsAt(tap)).toMatchObject({ Encrypt: 1, Decrypt: 3 });
}

async function callsAt(tap: Tap): Promise<{ readonly Encrypt: number; readonly Decrypt: number }> {
  const records = await tap.drain();
  const of = (method: string) => records.filter((record) => record.method === method).length;
  return { Encrypt: of("Encrypt"), Decrypt: of("Decrypt") };
}

async function create(api: ApiAccess, name: string): Promise<number> {
  await using client = new SecretsClient({ api, connections: 1 });
  const data = new Map([["key", Buffer.from("value")]]);
  return (await client.createSecret(encodeSecret({ namespace: "default", name, type: "Opaque", data }))).status;
}

/** What each API server answers to the reads of all three Secrets, or the code of why it does not. */
async function answers({ apis }: ControlPlane): Promise<(readonly number[] | string)[]> {
  return await Promise.all(
    apis.map(async (api) => {
      await using client = new SecretsClient({ api, connections: 1 });
      try {
        return await Promise.all(["by-0", "by-1", "by-2"].map(async (name) => (await client.getSecret("default", name)).status));
      } catch (thrown) {
        return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown";
      }
    }),
  );
}
