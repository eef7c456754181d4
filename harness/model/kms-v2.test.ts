import { describe, expect, it } from "vitest";
import { failure } from "./failure.ts";
import type { Instant } from "./instant.ts";
import { createKmsV2, type KmsV2Effect, type KmsV2Event, keyIdHash, type PollName, stepKmsV2 } from "./kms-v2.ts";

const startWallMs = Date.UTC(2026, 0, 1);

/** Drives one provider in virtual time with a plugin that answers at once. */
function provider() {
  const state = createKmsV2("kms");
  const calls = { Status: 0, Encrypt: 0, Decrypt: 0 };
  const plugin = {
    version: "v2",
    healthz: "ok",
    keyId: "a",
    encryptKeyId: undefined as string | undefined,
    down: false,
    encryptDown: false,
  };
  const statusTimes: number[] = [];
  const timers = new Map<PollName, number>();
  let nowMs = 0;
  const now = (): Instant => ({ monotonicMs: nowMs, wallMs: startWallMs + nowMs });
  const gone = { ok: false, failure: { message: "rpc error: code = Unavailable desc = gone", grpcCodeName: "Unavailable" } } as const;
  const interpret = (effect: KmsV2Effect): KmsV2Effect[] => {
    switch (effect.kind) {
      case "wake":
        timers.set(effect.poll, effect.atMs);
        return [];
      case "call-status":
        calls.Status++;
        statusTimes.push(nowMs);
        return send({ kind: "status-answered", outcome: plugin.down ? gone : { ok: true, value: { ...plugin } } });
      case "call-encrypt": {
        calls.Encrypt++;
        const value = { keyId: plugin.encryptKeyId ?? plugin.keyId, dekSource: `seed-${calls.Encrypt}` };
        return send({ kind: "encrypt-answered", uid: "panda", outcome: plugin.encryptDown ? gone : { ok: true, value } });
      }
      case "call-decrypt":
        calls.Decrypt++;
        return send({ kind: "decrypt-answered", read: effect.read, outcome: plugin.down ? gone : { ok: true, value: undefined } });
      default:
        return [effect];
    }
  };
  const send = (event: KmsV2Event): KmsV2Effect[] => stepKmsV2(state, event, now()).flatMap(interpret);
  const advance = (ms: number) => {
    const endMs = nowMs + ms;
    for (;;) {
      const due = [...timers].filter(([, atMs]) => atMs <= endMs).sort((a, b) => a[1] - b[1])[0];
      if (due === undefined) break;
      timers.delete(due[0]);
      nowMs = due[1];
      send({ kind: "woken", poll: due[0] });
    }
    nowMs = endMs;
  };
  const write = () => send({ kind: "write", operation: 0 }).find(({ kind }) => kind === "seal" || kind === "fail");
  const read = (dekSource: string, keyId: string, sourceType = 1) =>
    send({ kind: "read", operation: 0, dekSource, keyId, sourceType }).find(({ kind }) => kind === "open" || kind === "fail");
  const check = () => send({ kind: "check", operation: 0 }).find((effect) => effect.kind === "checked");
  return { state, calls, plugin, statusTimes, send, advance, write, read, check };
}

function started() {
  const kms = provider();
  kms.send({ kind: "start" });
  return kms;
}

describe("KMS v2 start and polling", () => {
  it("starts with one Status and one Encrypt", () => {
    expect(started().calls).toEqual({ Status: 1, Encrypt: 1, Decrypt: 0 });
  });

  it("asks Status every 60 s while healthy and never encrypts again, whatever is written", () => {
    const kms = started();
    for (let minute = 0; minute < 10; minute++) {
      kms.advance(60_000);
      kms.write();
    }
    expect(kms.statusTimes).toEqual([0, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600].map((s) => s * 1000));
    expect(kms.calls.Encrypt).toBe(1);
  });

  it("asks every 10 s while failing and goes back to its minute", () => {
    const kms = started();
    kms.plugin.down = true;
    kms.advance(85_000);
    kms.plugin.down = false;
    kms.advance(35_000);
    expect(kms.statusTimes).toEqual([0, 60_000, 70_000, 80_000, 90_000, 120_000]);
  });

  it("repeats a failed start every 10 s until it succeeds, beside the minute's poll", () => {
    const kms = provider();
    kms.plugin.down = true;
    expect(kms.send({ kind: "start" })).toContainEqual({ kind: "started" });
    kms.advance(15_000);
    kms.plugin.down = false;
    kms.advance(105_000);
    expect(kms.statusTimes).toEqual([0, 10_000, 20_000, 60_000, 120_000]);
  });

  it("answers health checks from the last result for 20 s when good and 3 s when bad", () => {
    const kms = started();
    kms.advance(19_999);
    kms.check();
    expect(kms.calls.Status).toBe(1);
    kms.advance(1);
    kms.plugin.down = true;
    expect(kms.check()).toMatchObject({
      failure: {
        message:
          "failed to perform status section of the healthz check for KMS Provider kms, error: rpc error: code = Unavailable desc = gone",
      },
    });
    kms.advance(2_999);
    expect(kms.check()).toMatchObject({ failure: { message: "rpc error: code = Unavailable desc = gone" } });
    expect(kms.calls.Status).toBe(2);
    kms.advance(1);
    kms.check();
    expect(kms.calls.Status).toBe(3);
  });
});

describe("KMS v2 write expiry", () => {
  it("lets writes through for exactly 180 s after the last good Status", () => {
    const kms = started();
    kms.advance(60_000);
    kms.plugin.down = true;
    kms.advance(180_000);
    expect(kms.write()).toMatchObject({ kind: "seal" });
    kms.advance(1);
    const hash = keyIdHash("a");
    expect(kms.write()).toEqual({
      kind: "fail",
      operation: 0,
      failure: failure(
        `encryptedDEKSource with keyID hash "${hash}" expired at 2026-01-01T00:04:00Z (current time is 2026-01-01T00:04:00Z)`,
      ),
    });
  });

  it("keeps reading after it and recovers without a new seed", () => {
    const kms = started();
    kms.write();
    kms.plugin.down = true;
    kms.advance(300_000);
    expect(kms.read("seed-1", "a")).toMatchObject({ kind: "open", stale: false });
    kms.plugin.down = false;
    kms.advance(10_000);
    expect(kms.write()).toMatchObject({ kind: "seal" });
    expect(kms.calls.Encrypt).toBe(1);
  });

  it("never comes while the plugin is unhealthy but names a valid key", () => {
    const kms = started();
    kms.plugin.healthz = "sick";
    kms.advance(24 * 3600_000);
    expect(kms.write()).toMatchObject({ kind: "seal" });
    expect(kms.check()).toMatchObject({
      failure: { message: "kmsv2 Provider kms is not healthy, error: got unexpected healthz status: sick" },
    });
  });

  it.each([
    ["", "empty", 'got invalid KMSv2 KeyID hash "": keyID is empty'],
    ["k".repeat(1025), "too_long", "keyID is 1025 bytes, which exceeds the max size of 1024"],
  ])("comes when the key_id is not valid: %#", (keyId, error, text) => {
    const kms = started();
    kms.plugin.keyId = keyId;
    kms.advance(20_000);
    const effects = kms.send({ kind: "check", operation: 7 });
    expect(effects).toContainEqual({ kind: "invalid-key-id", error });
    const checked = effects.find((effect) => effect.kind === "checked");
    expect(checked?.failure?.message).toContain(text);
    kms.advance(160_001);
    expect(kms.write()).toMatchObject({ kind: "fail" });
  });

  it("accepts a key_id of 1024 bytes", () => {
    const kms = provider();
    kms.plugin.keyId = "k".repeat(1024);
    kms.send({ kind: "start" });
    expect(kms.write()).toMatchObject({ kind: "seal" });
  });
});

describe("KMS v2 rotation", () => {
  it("encrypts one new seed within 60 s of a new key_id and makes older data stale", () => {
    const kms = started();
    kms.write();
    kms.plugin.keyId = "b";
    kms.advance(60_000);
    expect(kms.calls.Encrypt).toBe(2);
    expect(kms.read("seed-1", "a")).toMatchObject({ kind: "open", stale: true });
    expect(kms.write()).toMatchObject({ kind: "seal", seed: { dekSource: "seed-2", keyId: "b" } });
  });

  it("makes three seeds of A, B, A, and data of the first A is not stale", () => {
    const kms = started();
    kms.write();
    for (const keyId of ["b", "a"]) {
      kms.plugin.keyId = keyId;
      kms.advance(60_000);
    }
    expect(kms.calls.Encrypt).toBe(3);
    expect(kms.read("seed-1", "a")).toMatchObject({ kind: "open", stale: false });
  });

  it("keeps the old seed and its expiry when Encrypt names another key than Status", () => {
    const kms = started();
    kms.plugin.keyId = "b";
    kms.plugin.encryptKeyId = "c";
    kms.advance(60_000);
    expect(kms.check()).toMatchObject({
      failure: {
        message: [
          'kmsv2 Provider kms is not healthy, error: failed to rotate DEK uid="panda", useSeed=true',
          "errState=<nil>",
          "errGen=<nil>",
          `statusKeyIDHash="${keyIdHash("b")}"`,
          `encryptKeyIDHash="${keyIdHash("c")}"`,
          `stateKeyIDHash="${keyIdHash("a")}"`,
          "expirationTimestamp=2026-01-01T00:03:00Z",
        ].join(", "),
      },
    });
    kms.advance(120_000);
    expect(kms.write()).toMatchObject({ kind: "seal", seed: { keyId: "a" } });
    kms.advance(1);
    expect(kms.write()).toMatchObject({ kind: "fail" });
  });

  it("rotates though the plugin is unhealthy and has changed its version, and tells both", () => {
    const kms = started();
    Object.assign(kms.plugin, { keyId: "b", healthz: "sick", version: "v2beta1" });
    kms.advance(60_000);
    expect(kms.write()).toMatchObject({ kind: "seal", seed: { keyId: "b" } });
    expect(kms.check()).toMatchObject({
      failure: {
        message:
          "kmsv2 Provider kms is not healthy, error: [got unexpected healthz status: sick, KMSv2 API version should not change after the initial status response version v2, got v2beta1]",
      },
    });
  });

  it("refuses a version that is neither v2 nor v2beta1", () => {
    const kms = provider();
    kms.plugin.version = "v3";
    kms.send({ kind: "start" });
    expect(kms.check()).toMatchObject({
      failure: { message: "kmsv2 Provider kms is not healthy, error: expected KMSv2 API version v2, got v3" },
    });
  });
});

describe("KMS v2 reads", () => {
  it("fail before the first success, and heal without a restart", () => {
    const kms = provider();
    kms.plugin.encryptDown = true;
    kms.send({ kind: "start" });
    expect(kms.read("old", "a")).toMatchObject({ kind: "fail", failure: { message: "got unexpected nil transformer" } });
    expect(kms.write()).toMatchObject({ kind: "fail", failure: { message: "got unexpected nil transformer" } });
    kms.plugin.encryptDown = false;
    kms.advance(10_000);
    expect(kms.read("old", "a")).toMatchObject({ kind: "open", stale: false });
  });

  it("decrypt a DEK source once, and one that was written here never", () => {
    const kms = started();
    kms.write();
    for (let i = 0; i < 3; i++) kms.read("seed-1", "a");
    expect(kms.calls.Decrypt).toBe(0);
    for (let i = 0; i < 3; i++) kms.read("old", "a");
    expect(kms.calls.Decrypt).toBe(1);
  });

  it("decrypt once for each of several concurrent misses", () => {
    const { state } = started();
    const now = { monotonicMs: 1, wallMs: 1 };
    const effects = [1, 2, 3].flatMap((operation) =>
      stepKmsV2(state, { kind: "read", operation, dekSource: "old", keyId: "a", sourceType: 1 }, now),
    );
    expect(effects.map(({ kind }) => kind)).toEqual(["call-decrypt", "call-decrypt", "call-decrypt"]);
  });

  it("of type 0 are stale", () => {
    expect(started().read("old", "a", 0)).toMatchObject({ kind: "open", stale: true });
  });

  it("tell the plugin's error with its gRPC code", () => {
    const kms = started();
    kms.plugin.down = true;
    expect(kms.read("old", "a")).toMatchObject({
      failure: { message: "failed to decrypt DEK, error: rpc error: code = Unavailable desc = gone", grpcCodeName: "Unavailable" },
    });
  });

  it("do not keep what cannot be a key", () => {
    const { state } = started();
    const read = { operation: 1, dekSource: "old", stale: false };
    const now = { monotonicMs: 1, wallMs: 1 };
    expect(stepKmsV2(state, { kind: "decrypt-answered", read, outcome: { ok: true, value: failure("too short") } }, now)).toEqual([
      { kind: "fail", operation: 1, failure: failure("too short") },
    ]);
    expect(state.decryptCache.has("old")).toBe(false);
  });

  it("drop a DEK source 24 h after it came, when another one comes", () => {
    const kms = started();
    kms.read("old", "a");
    kms.advance(24 * 3600_000 + 1);
    kms.read("old", "a");
    expect(kms.calls.Decrypt).toBe(1);
    kms.read("other", "a");
    kms.read("old", "a");
    expect(kms.calls.Decrypt).toBe(3);
  });
});
