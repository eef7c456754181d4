import { describe, expect, it } from "vitest";
import { createKmsV1, stepKmsV1 } from "./kms-v1.ts";
import { createKmsV2, stepKmsV2 } from "./kms-v2.ts";
import {
  afterConflict,
  consistencyCheckDelayMs,
  createUpdate,
  decodeConcurrency,
  type InitialListEffect,
  type PlainRequest,
  requestSteps,
  startInitialList,
  stepInitialList,
  stepUpdate,
  type UpdateEvent,
} from "./watch-cache.ts";

const fromStorage = (steps: readonly string[]) => steps.filter((step) => step === "read" || step === "watch-event").length;
const toStorage = (steps: readonly string[]) => steps.filter((step) => step === "encode").length;

describe("transforms of a request (spec 6.1)", () => {
  it.each<[PlainRequest, number, number]>([
    ["create", 1, 1],
    ["create-dry-run", 0, 0],
    ["get", 1, 0],
    ["get-cached", 0, 0],
    ["list", 0, 0],
    ["delete", 2, 0],
  ])("%s: %i from storage, %i to storage", (request, from, to) => {
    expect([fromStorage(requestSteps[request]), toStorage(requestSteps[request])]).toEqual([from, to]);
  });

  it("create that ends in a conflict: 1 from storage, 1 to storage", () => {
    const steps = [...requestSteps.create.slice(0, requestSteps.create.indexOf("commit")), ...afterConflict];
    expect([fromStorage(steps), toStorage(steps)]).toEqual([1, 1]);
  });
});

describe("update (spec 6.3)", () => {
  const run = (events: readonly UpdateEvent[]) => {
    const state = createUpdate();
    return events.map((event) => stepUpdate(state, event));
  };

  it("writes a change at once", () => {
    expect(
      run([
        { kind: "applied", unchanged: false },
        { kind: "committed", succeeded: true },
      ]),
    ).toEqual(["write", "answer-written"]);
  });

  it("reads the store once and writes nothing when nothing changed", () => {
    expect(
      run([
        { kind: "applied", unchanged: true },
        { kind: "read", sameBytes: true, stale: false },
      ]),
    ).toEqual(["read", "answer-unchanged"]);
  });

  it("writes the same object again when it is stale", () => {
    expect(
      run([
        { kind: "applied", unchanged: true },
        { kind: "read", sameBytes: true, stale: true },
        { kind: "committed", succeeded: true },
      ]),
    ).toEqual(["read", "write", "answer-written"]);
  });

  it("applies the change again to what is stored when the cache was behind", () => {
    expect(
      run([
        { kind: "applied", unchanged: true },
        { kind: "read", sameBytes: false, stale: false },
        { kind: "applied", unchanged: true },
      ]),
    ).toEqual(["read", "apply", "answer-unchanged"]);
  });

  it("reads and applies again after a conflict, which costs one more write", () => {
    expect(
      run([
        { kind: "applied", unchanged: false },
        { kind: "committed", succeeded: false },
        { kind: "read", sameBytes: false, stale: false },
        { kind: "applied", unchanged: false },
        { kind: "committed", succeeded: true },
      ]),
    ).toEqual(["write", "read", "apply", "write", "answer-written"]);
  });

  it("believes a refusal only after it has read the store", () => {
    expect(run([{ kind: "refused" }, { kind: "read", sameBytes: true, stale: false }])).toEqual(["read", "answer-refused"]);
    expect(run([{ kind: "refused" }, { kind: "read", sameBytes: false, stale: false }, { kind: "refused" }])).toEqual([
      "read",
      "apply",
      "answer-refused",
    ]);
  });
});

/** Runs a restart over `sources.length` objects; every Decrypt takes one round. Returns the number of Decrypts. */
function restart(kms: "v1" | "v2", sources: readonly string[], concurrency: number): number {
  const now = { monotonicMs: 0, wallMs: 0 };
  const v1 = createKmsV1({ name: "kms", timeoutMs: 3000 });
  v1.handshake = "done";
  const v2 = createKmsV2("kms");
  v2.active = { dekSource: "fresh", keyId: "a", expiry: now };
  const { list, effects } = startInitialList(sources.length, concurrency);
  let decrypts = 0;
  let pending: (() => void)[] = [];
  const finished: InitialListEffect[] = [...effects];
  const read = (index: number) => {
    const dekSource = sources[index] ?? "";
    const ended = () => finished.push(...stepInitialList(list));
    if (kms === "v1") {
      for (const effect of stepKmsV1(v1, { kind: "read", operation: index, dekSource }, now)) {
        if (effect.kind === "open") ended();
        if (effect.kind !== "call") continue;
        decrypts++;
        pending.push(() => {
          stepKmsV1(v1, { kind: "answered", call: effect.call, outcome: { ok: true, value: "" } }, now);
          ended();
        });
      }
      return;
    }
    for (const effect of stepKmsV2(v2, { kind: "read", operation: index, dekSource, keyId: "a", sourceType: 1 }, now)) {
      if (effect.kind === "open") ended();
      if (effect.kind !== "call-decrypt") continue;
      decrypts++;
      pending.push(() => {
        stepKmsV2(v2, { kind: "decrypt-answered", read: effect.read, outcome: { ok: true, value: undefined } }, now);
        ended();
      });
    }
  };
  for (;;) {
    const effect = finished.shift();
    if (effect?.kind === "ready") return decrypts;
    if (effect !== undefined) {
      read(effect.index);
    } else {
      const round = pending;
      pending = [];
      for (const settle of round) settle();
    }
  }
}

describe("restart (spec 7)", () => {
  const objects = (count: number, distinct: number) =>
    Array.from({ length: count }, (_, index) => `seed-${Math.floor((index * distinct) / count)}`);

  it.each([
    ["v2", 200, 1, 1, 1],
    ["v2", 200, 2, 1, 2],
    ["v2", 200, 1, 10, 10],
    ["v2", 200, 2, 10, 20],
    ["v2", 0, 1, 10, 0],
    ["v1", 430, 430, 1, 430],
    ["v1", 430, 430, 10, 430],
  ] as const)("KMS %s, %i secrets of %i DEK sources, %i at once: %i Decrypts", (kms, count, distinct, concurrency, decrypts) => {
    expect(restart(kms, objects(count, distinct), concurrency)).toBe(decrypts);
  });
});

describe("feature gates", () => {
  it("decode ten at once unless told otherwise", () => {
    expect([decodeConcurrency({}), decodeConcurrency({ ConcurrentWatchObjectDecode: false })]).toEqual([10, 1]);
  });

  it("compare the cache with the store every 5 to 7.5 minutes unless told otherwise", () => {
    expect([consistencyCheckDelayMs({}, 0), consistencyCheckDelayMs({}, 0.5)]).toEqual([300_000, 375_000]);
    expect(consistencyCheckDelayMs({ DetectCacheInconsistency: false }, 0)).toBeUndefined();
  });
});
