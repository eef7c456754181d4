import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../harness/virtual-clock.ts";
import type { Credentials } from "./credentials.ts";
import { AlibabaFault } from "./fault.ts";
import { KeptCredentials, renewAheadMsMax, renewPauseMs, unusableBeforeExpiryMs } from "./kept-credentials.ts";

const hourMs = 3_600_000;

/** A source that gives `STS.1`, `STS.2`, …, each for an hour, `fetchMs` after it was asked. */
function arrange({ lifeMs = hourMs, fetchMs = 0 } = {}) {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const source = { name: "the test", fetches: 0, fault: undefined as Error | undefined, fetch: () => give() };
  const give = async (): Promise<Credentials> => {
    const number = ++source.fetches;
    if (fetchMs > 0) await clock.sleep(fetchMs);
    if (source.fault !== undefined) throw source.fault;
    return { accessKeyId: `STS.${number}`, accessKeySecret: "s", securityToken: `t${number}`, expiresMs: clock.wallMs() + lifeMs };
  };
  const kept = new KeptCredentials(source, { clock, log: { warn: (message) => void warnings.push(message) } });
  const { signal } = new AbortController();
  return { clock, source, kept, warnings, signal, current: async (asked = signal) => (await kept.current(asked)).accessKeyId };
}

describe("kept credentials", () => {
  it("are fetched once, and renewed in the background a quarter of an hour before they expire", async () => {
    const { clock, source, current } = arrange();
    expect(await current()).toBe("STS.1");
    await clock.advance(hourMs - renewAheadMsMax - 1);
    expect(await current()).toBe("STS.1");
    expect(source.fetches).toBe(1);
    await clock.advance(1);
    // Who sets the renewal off does not wait for it.
    expect(await current()).toBe("STS.1");
    await clock.advance(0);
    expect(await current()).toBe("STS.2");
    expect(source.fetches).toBe(2);
  });

  it("of a short life are renewed when a quarter of it is left", async () => {
    const { clock, current } = arrange({ lifeMs: 400_000 });
    await current();
    await clock.advance(299_999);
    await current();
    await clock.advance(0);
    expect(await current()).toBe("STS.1");
    await clock.advance(1);
    await current();
    await clock.advance(0);
    expect(await current()).toBe("STS.2");
  });

  it("are used until half a minute before they expire while they cannot be renewed, and each attempt waits for a pause", async () => {
    const { clock, source, current, warnings } = arrange();
    await current();
    source.fault = new AlibabaFault("unavailable", "STS", "STS could not be reached.");
    await clock.advance(hourMs - renewAheadMsMax);
    for (let call = 0; call < 5; call++) expect(await current()).toBe("STS.1");
    await clock.advance(0);
    expect(source.fetches).toBe(2);
    expect(warnings).toEqual(["The credentials could not be renewed and are used until they expire. STS could not be reached."]);
    await clock.advance(renewPauseMs);
    await current();
    expect(source.fetches).toBe(3);
    await clock.advance(renewAheadMsMax - renewPauseMs - unusableBeforeExpiryMs - 1);
    expect(await current()).toBe("STS.1");
    await clock.advance(1);
    await expect(current()).rejects.toBe(source.fault);
  });

  it("are renewed without a word of what is not foreseen", async () => {
    const { clock, source, current, warnings } = arrange();
    await current();
    source.fault = new Error("the secret is s");
    await clock.advance(hourMs - renewAheadMsMax);
    await current();
    await clock.advance(0);
    expect(warnings).toEqual([
      "The credentials could not be renewed and are used until they expire. It failed in a way that is not foreseen.",
    ]);
  });

  it("are fetched once for many that wait, each of whom may leave", async () => {
    const { clock, source, current } = arrange({ fetchMs: 100 });
    const leaver = new AbortController();
    const left = current(leaver.signal);
    const others = Promise.all([current(), current(), current()]);
    await clock.advance(50);
    leaver.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    await clock.advance(50);
    expect(await others).toEqual(["STS.1", "STS.1", "STS.1"]);
    expect(source.fetches).toBe(1);
  });

  it("that do not come end after ten seconds", async () => {
    const { clock, current } = arrange({ fetchMs: 60_000 });
    const answer = current().catch((thrown: unknown) => thrown);
    await clock.advance(10_000);
    expect(await answer).toMatchObject({ kind: "deadline", message: "Credentials from the test did not come within 10 s." });
  });

  it("are not asked for more than once a second where there are none", async () => {
    const { clock, source, current } = arrange();
    source.fault = new AlibabaFault("unavailable", "STS", "STS could not be reached.");
    for (let call = 0; call < 5; call++) await expect(current()).rejects.toBe(source.fault);
    expect(source.fetches).toBe(1);
    source.fault = undefined;
    await clock.advance(1000);
    expect(await current()).toBe("STS.2");
  });

  it("that have expired already are none", async () => {
    const { current } = arrange({ lifeMs: unusableBeforeExpiryMs });
    await expect(current()).rejects.toMatchObject({ kind: "no-credentials" });
  });

  it("are exchanged for others when a service refuses them, once for many calls", async () => {
    const { kept, source, signal } = arrange();
    const refused = await kept.current(signal);
    const [one, other] = await Promise.all([kept.renewed(refused, signal), kept.renewed(refused, signal)]);
    expect([one?.accessKeyId, other?.accessKeyId]).toEqual(["STS.2", "STS.2"]);
    expect((await kept.renewed(refused, signal))?.accessKeyId).toBe("STS.2");
    expect(source.fetches).toBe(2);
  });

  it("without a token cannot be exchanged", async () => {
    const { kept, signal } = arrange();
    expect(await kept.renewed({ accessKeyId: "a", accessKeySecret: "b" }, signal)).toBeUndefined();
  });

  it("are fetched anew when the operator asks for it", async () => {
    const { kept, current } = arrange();
    await current();
    kept.forget();
    expect(await current()).toBe("STS.2");
  });
});
