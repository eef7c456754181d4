import { describe, expect, it } from "vitest";
import { failure } from "./failure.ts";
import type { Instant } from "./instant.ts";
import { createKmsV1, type KmsV1Effect, type KmsV1Event, stepKmsV1 } from "./kms-v1.ts";

/** Drives one provider whose plugin answers at once: Encrypt gives `edek-<operation>`. */
function provider(cacheSize: number) {
  const state = createKmsV1({ name: "kms", cacheSize, timeoutMs: 3000 });
  const calls: Record<string, number> = { Version: 0, Encrypt: 0, Decrypt: 0 };
  let nowMs = 0;
  let plugin: (method: string) => string | undefined = () => undefined;
  const count = (method: string) => {
    calls[method] = (calls[method] ?? 0) + 1;
  };
  const now = (): Instant => ({ monotonicMs: nowMs, wallMs: nowMs });
  const step = (event: KmsV1Event) => stepKmsV1(state, event, now());
  const settle = (effects: KmsV1Effect[]): KmsV1Effect[] =>
    effects.flatMap((effect) => {
      if (effect.kind === "ask-version") {
        count("Version");
        const problem = plugin("Version");
        const outcome = problem === undefined ? { ok: true as const, value: "v1beta1" } : { ok: false as const, failure: failure(problem) };
        return settle(step({ kind: "version-answered", call: effect.call, outcome }));
      }
      if (effect.kind !== "call") return [effect];
      count(effect.call.method);
      const problem = plugin(effect.call.method);
      const value = `edek-${effect.call.operation}`;
      const outcome = problem === undefined ? { ok: true as const, value } : { ok: false as const, failure: failure(problem) };
      return settle(step({ kind: "answered", call: effect.call, outcome }));
    });
  return {
    state,
    calls,
    step,
    send: (event: KmsV1Event) => settle(step(event)),
    advance(ms: number) {
      nowMs += ms;
    },
    failWith(next: typeof plugin) {
      plugin = next;
    },
  };
}

describe("KMS v1 cache", () => {
  it("costs one Encrypt a write and no Decrypt for reads of what was just written", () => {
    const kms = provider(1000);
    for (let i = 0; i < 100; i++) kms.send({ kind: "write", operation: i });
    for (let i = 0; i < 100; i++) kms.send({ kind: "read", operation: 1000 + i, dekSource: `edek-${i}` });
    expect(kms.calls).toEqual({ Version: 1, Encrypt: 100, Decrypt: 0 });
  });

  it("misses every time when more objects than cachesize are read in sequence: 100 twice with 50 give 200 Decrypts", () => {
    const kms = provider(50);
    for (let i = 0; i < 100; i++) kms.send({ kind: "write", operation: i });
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < 100; i++) kms.send({ kind: "read", operation: 1000 + i, dekSource: `edek-${i}` });
    }
    expect(kms.calls).toEqual({ Version: 1, Encrypt: 100, Decrypt: 200 });
    expect(kms.state.cache.size).toBe(50);
  });

  it("keeps what was read last when it must drop one", () => {
    const kms = provider(2);
    for (const operation of [0, 1]) kms.send({ kind: "write", operation });
    kms.send({ kind: "read", operation: 10, dekSource: "edek-0" });
    const effects = kms.send({ kind: "write", operation: 2 });
    expect(effects.filter(({ kind }) => kind === "forget")).toEqual([{ kind: "forget", dekSource: "edek-1" }]);
  });

  it("has no cache when cachesize is negative", () => {
    const kms = provider(-1);
    kms.send({ kind: "write", operation: 0 });
    for (const operation of [1, 2]) kms.send({ kind: "read", operation, dekSource: "edek-0" });
    expect(kms.calls["Decrypt"]).toBe(2);
  });

  it("decrypts once for each of several concurrent misses", () => {
    const kms = provider(1000);
    kms.send({ kind: "write", operation: 0 });
    const effects = [1, 2, 3].flatMap((operation) => kms.step({ kind: "read", operation, dekSource: "cold" }));
    expect(effects.map(({ kind }) => kind)).toEqual(["call", "call", "call"]);
  });
});

describe("KMS v1 handshake", () => {
  it("asks the version once while other calls queue behind it", () => {
    const kms = provider(1000);
    const effects = [1, 2].flatMap((operation) => kms.step({ kind: "write", operation }));
    expect(effects).toMatchObject([{ kind: "ask-version", call: { operation: 1 } }]);
    const [ask] = effects;
    if (ask?.kind !== "ask-version") throw new Error("the handshake was not asked for");
    const after = kms.step({ kind: "version-answered", call: ask.call, outcome: { ok: true, value: "v1beta1" } });
    expect(after).toMatchObject([
      { kind: "call", call: { operation: 1 } },
      { kind: "call", call: { operation: 2 } },
    ]);
  });

  it("fails the call that triggered it, and the next in the queue tries again", () => {
    const kms = provider(1000);
    kms.step({ kind: "write", operation: 1 });
    kms.step({ kind: "write", operation: 2 });
    const call = { method: "Encrypt", purpose: "work", operation: 1, deadlineMs: 3000 } as const;
    expect(kms.step({ kind: "version-answered", call, outcome: { ok: true, value: "v9" } })).toMatchObject([
      { kind: "ask-version", call: { operation: 2 } },
      { kind: "fail", operation: 1, failure: { message: "KMS provider api version v9 is not supported, only v1beta1 is supported now" } },
    ]);
  });

  it("loses the gRPC code of a failed Version", () => {
    const kms = provider(1000);
    kms.failWith((method) => (method === "Version" ? "rpc error: code = Unavailable desc = gone" : undefined));
    expect(kms.send({ kind: "write", operation: 1 })).toEqual([
      {
        kind: "fail",
        operation: 1,
        failure: failure("failed get version from remote KMS provider: rpc error: code = Unavailable desc = gone"),
      },
    ]);
  });
});

describe("KMS v1 health check", () => {
  it("is one Encrypt and one Decrypt for 20 s when good", () => {
    const kms = provider(1000);
    kms.send({ kind: "check", operation: 1 });
    kms.advance(19_999);
    kms.send({ kind: "check", operation: 2 });
    expect(kms.calls).toEqual({ Version: 1, Encrypt: 1, Decrypt: 1 });
    kms.advance(1);
    kms.send({ kind: "check", operation: 3 });
    expect(kms.calls).toEqual({ Version: 1, Encrypt: 2, Decrypt: 2 });
  });

  it("is repeated after 3 s when bad, and names the section only when fresh", () => {
    const kms = provider(1000);
    kms.failWith((method) => (method === "Decrypt" ? "broken" : undefined));
    const fresh = "failed to perform decrypt section of the healthz check for KMS Provider kms, error: broken";
    expect(kms.send({ kind: "check", operation: 1 })).toEqual([{ kind: "checked", operation: 1, failure: failure(fresh) }]);
    kms.advance(2_999);
    expect(kms.send({ kind: "check", operation: 2 })).toEqual([{ kind: "checked", operation: 2, failure: failure("broken") }]);
    kms.advance(1);
    kms.failWith(() => undefined);
    expect(kms.send({ kind: "check", operation: 3 })).toEqual([{ kind: "checked", operation: 3, failure: undefined }]);
    expect(kms.calls).toEqual({ Version: 1, Encrypt: 2, Decrypt: 2 });
  });

  it("runs one at a time; those that waited get its result", () => {
    const kms = provider(1000);
    const first = kms.step({ kind: "check", operation: 1 });
    expect(kms.step({ kind: "check", operation: 2 })).toEqual([]);
    const [ask] = first;
    if (ask?.kind !== "ask-version") throw new Error("the handshake was not asked for");
    kms.step({ kind: "version-answered", call: ask.call, outcome: { ok: true, value: "v1beta1" } });
    kms.step({ kind: "answered", call: ask.call, outcome: { ok: true, value: "" } });
    const decrypt = { method: "Decrypt", purpose: "probe", operation: 1, deadlineMs: 3000 } as const;
    expect(kms.step({ kind: "answered", call: decrypt, outcome: { ok: true, value: "" } })).toEqual([
      { kind: "checked", operation: 1, failure: undefined },
      { kind: "checked", operation: 2, failure: undefined },
    ]);
  });
});
