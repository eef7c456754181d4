import { describe, expect, it } from "vitest";
import type { Fault } from "./fault.ts";
import { parseFault } from "./fault-syntax.ts";

describe("a fault on the command line", () => {
  it.each<[string, Omit<Fault, "name">]>([
    ["Encrypt:latency=40ms", { method: "Encrypt", action: { kind: "latency", latency: { shape: "constant", ms: 40 } } }],
    ["*:latency=exp(20ms)", { action: { kind: "latency", latency: { shape: "exponential", meanMs: 20 } } }],
    [
      "v1/Decrypt:latency=0.5ms..1.5s",
      { kms: "v1", method: "Decrypt", action: { kind: "latency", latency: { shape: "uniform", fromMs: 0.5, toMs: 1500 } } },
    ],
    [
      "*:latency=quantiles(p50=10ms, p99.5=2s)",
      {
        action: {
          kind: "latency",
          latency: {
            shape: "quantiles",
            points: [
              { fraction: 0.5, ms: 10 },
              { fraction: 0.995, ms: 2000 },
            ],
          },
        },
      },
    ],
    [
      "Status:error=Unavailable:from=60s:to=4m",
      { method: "Status", fromMs: 60_000, toMs: 240_000, action: { kind: "error", grpcCode: 14, message: "fault injected by the tap" } },
    ],
    [
      "Encrypt:error=resourceexhausted(quota: used (up))",
      { method: "Encrypt", action: { kind: "error", grpcCode: 8, message: "quota: used (up)" } },
    ],
    ["*:limit=50/s", { action: { kind: "limit", perSecond: 50 } }],
    ["v2/Status:healthz=the KMS is gone", { kms: "v2", method: "Status", action: { kind: "healthz", words: "the KMS is gone" } }],
    ["Decrypt:hang:every=10", { method: "Decrypt", every: 10, action: { kind: "hang" } }],
    ["v2/*:cut:p=0.05", { kms: "v2", probability: 0.05, action: { kind: "cut" } }],
  ])("is understood: %s", (text, fault) => {
    expect(parseFault(text)).toEqual({ name: text, ...fault });
  });

  it.each([
    ["", "it needs a method and an action"],
    ["Encrypt", "it needs a method and an action"],
    ["encrypt:hang", '"encrypt" is none of Status, Version, Encrypt, Decrypt and *'],
    ["v3/Encrypt:hang", '"v3" is neither v1 nor v2'],
    ["v1/Status:hang", "KMS v1 has no Status"],
    ["Encrypt:hang=1s", '"hang=1s" is none of latency=…, error=…, limit=…/s, healthz=…, hang and cut'],
    ["Encrypt:latency", '"latency" is none of latency=…, error=…, limit=…/s, healthz=…, hang and cut'],
    ["Encrypt:latency=40", '"40" is no duration like 40ms, 1.5s or 2m'],
    ["Encrypt:latency=exp(20)", '"20" is no duration like 40ms, 1.5s or 2m'],
    ["Encrypt:latency=30ms..10ms", "30ms is longer than 10ms"],
    ["Encrypt:latency=1000h", "1000h is too long"],
    ["Encrypt:latency=quantiles(p50=10ms,p20=20ms)", "its quantiles do not ascend"],
    ["Encrypt:latency=quantiles(p50=10ms,p90=5ms)", "its quantiles do not ascend"],
    ["Encrypt:latency=quantiles(50=10ms)", '"50=10ms" is no quantile like p99=80ms'],
    ["Encrypt:error=OK", '"OK" is no gRPC status that a failing call can have'],
    ["Encrypt:error=Broken", '"Broken" is no gRPC status that a failing call can have'],
    ["Encrypt:limit=50", '"50" is no number of calls a second like 50/s'],
    ["Encrypt:limit=0/s", '"0/s" is no number of calls a second like 50/s'],
    ["*:healthz=gone", "only Status has a healthz"],
    ["Status:healthz=ok", '"healthz=ok" is none of latency=…, error=…, limit=…/s, healthz=…, hang and cut'],
    ["Encrypt:hang:every=0", '"every=0" needs a whole number from 1'],
    ["Encrypt:hang:p=1.5", '"p=1.5" needs a number from 0 to 1'],
    ["Encrypt:hang:after=1s", '"after=1s" is none of every=N, p=0.1, from=60s and to=240s'],
    ["Encrypt:hang:from=2s:to=2s", "it ends before it begins"],
  ])("is refused in one sentence: %s", (text, why) => {
    expect(() => parseFault(text)).toThrow(
      expect.objectContaining({ name: "UsageError", code: "bad-fault", message: `The fault "${text}" cannot be understood: ${why}.` }),
    );
  });
});
