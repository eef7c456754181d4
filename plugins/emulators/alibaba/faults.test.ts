import { describe, expect, it } from "vitest";
import { UsageError } from "../../../harness/errors.ts";
import { Random } from "../../../harness/random.ts";
import { VirtualClock } from "../../../harness/virtual-clock.ts";
import { utcSeconds } from "./authorization.ts";
import { CloudFaults, parseCloudFault } from "./faults.ts";
import { Quotas } from "./quotas.ts";
import { arrange, refusalOf } from "./testing/cloud.ts";
import { requestV3, send } from "./testing/signed-request.ts";

describe("a fault on the command line", () => {
  it.each([
    ["Encrypt:latency=20ms", { operation: "Encrypt", action: { kind: "latency", latency: { shape: "constant", ms: 20 } } }],
    ["Kms/*:latency=10ms..30ms", { product: "Kms", action: { kind: "latency", latency: { shape: "uniform", fromMs: 10, toMs: 30 } } }],
    ["*:error=429:p=0.1", { action: { kind: "error", status: 429, code: "Rejected.Throttling" }, probability: 0.1 }],
    ["Decrypt:error=500:every=3", { operation: "Decrypt", action: { kind: "error", status: 500, code: "InternalFailure" }, every: 3 }],
    ["Decrypt:error=503", { operation: "Decrypt", action: { kind: "error", status: 503, code: "ServiceUnavailableTemporary" } }],
    ["Decrypt:error=400(Throttling.User)", { operation: "Decrypt", action: { kind: "error", status: 400, code: "Throttling.User" } }],
    [
      "Sts/AssumeRole:reset:from=1s:to=2s",
      { product: "Sts", operation: "AssumeRole", action: { kind: "reset" }, fromMs: 1000, toMs: 2000 },
    ],
    ["LookupEvents:hang", { operation: "LookupEvents", action: { kind: "hang" } }],
  ])("%s", (text, expected) => {
    expect(parseCloudFault(text)).toEqual({ name: text, ...expected });
  });

  it.each([
    "Encrypt",
    ":reset",
    "Encrypt:latency",
    "Encrypt:latency=soon",
    "Encrypt:error=200",
    "Encrypt:cut",
    "v2/Encrypt:reset",
    "Encrypt:reset:p=2",
  ])("is not %s", (text) => {
    expect(() => parseCloudFault(text)).toThrow(UsageError);
  });
});

describe("faults", () => {
  it("are for some calls, count from when they were added, and latencies add up", () => {
    const faults = new CloudFaults(new Random("seed"));
    for (const text of ["Encrypt:latency=5ms", "Kms/*:latency=7ms:every=2", "Encrypt:error=503:from=1s"])
      faults.add(parseCloudFault(text), 100);
    expect(faults.decide("Kms", "Decrypt", 100)).toEqual({ delayMs: 0, ending: undefined });
    expect(faults.decide("Kms", "Encrypt", 100)).toEqual({ delayMs: 12, ending: undefined });
    expect(faults.decide("Sts", "AssumeRole", 1100)).toEqual({ delayMs: 0, ending: undefined });
    expect(faults.decide("Kms", "Encrypt", 1100)).toMatchObject({ delayMs: 5, ending: { kind: "error", status: 503 } });
    faults.clear();
    expect(faults.decide("Kms", "Encrypt", 1100)).toBeUndefined();
  });

  it("answer errors, reset connections, and are seen in the events where an answer came", async () => {
    await using cloud = await arrange({ faults: ["ListKeys:error=429", "ListAliases:reset"] });
    expect(await refusalOf(cloud.root.call("Kms", "ListKeys"))).toBe("429 Rejected.Throttling");
    await expect(cloud.root.call("Kms", "ListAliases")).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(cloud.events.map(({ record }) => [record["eventName"], record["errorCode"]])).toEqual([["ListKeys", "Rejected.Throttling"]]);
    cloud.admin.clearFaults();
    expect(await refusalOf(cloud.root.call("Kms", "ListKeys"))).toBe("not refused");
    cloud.admin.addFault("DescribeAccountKmsStatus:error=500");
    expect(await refusalOf(cloud.root.call("Kms", "DescribeAccountKmsStatus"))).toBe("500 InternalFailure");
  });

  it("hold a call for their time", async () => {
    const clock = new VirtualClock();
    await using cloud = await arrange({ clock, faults: ["ListKeys:latency=20ms"] });
    let isOver = false;
    const words = { endpoint: cloud.endpoint, credentials: cloud.running.root, date: utcSeconds(clock.wallMs()) };
    const call = send(requestV3(words)).then((answer) => {
      isOver = true;
      return answer;
    });
    const other = await send(requestV3({ ...words, action: "ListAliases" }));
    expect([other.status, isOver]).toEqual([200, false]);
    await clock.advance(20);
    expect((await call).status).toBe(200);
  });

  it("end with the cloud, also a call that hangs", async () => {
    const cloud = await arrange({ faults: ["ListKeys:hang", "ListAliases:latency=10m"] });
    const words = { endpoint: cloud.endpoint, credentials: cloud.running.root };
    const calls = ["ListKeys", "ListAliases"].map((action) => send(requestV3({ ...words, action })));
    const ended = Promise.allSettled(calls);
    await send(requestV3({ ...words, action: "DescribeAccountKmsStatus" }));
    await cloud[Symbol.asyncDispose]();
    expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});

describe("quotas", () => {
  it("allow a second's worth at once, and fill evenly", async () => {
    const clock = new VirtualClock();
    const quotas = new Quotas({ metadata: 4 }, clock);
    const taken = () => Array.from({ length: 6 }, () => quotas.take("metadata"));
    expect(taken()).toEqual([0, 0, 0, 0, 250, 250]);
    await clock.advance(250);
    expect(taken()).toEqual([0, 250, 250, 250, 250, 250]);
    await clock.advance(60_000);
    expect(taken()).toEqual([0, 0, 0, 0, 250, 250]);
    expect(quotas.take("crypto")).toBe(0);
  });

  it("are told as the KMS does, with how long to wait", async () => {
    await using cloud = await arrange({ quotas: { metadata: 1 }, clock: new VirtualClock() });
    const date = utcSeconds(new VirtualClock().wallMs());
    const request = () => requestV3({ endpoint: cloud.endpoint, credentials: cloud.running.root, date });
    expect(await send(request())).toMatchObject({ status: 200 });
    expect(await send(request())).toMatchObject({ status: 429, json: { Code: "Rejected.Throttling", Message: "QPS Limit Exceeded" } });
    const { url, method, headers: signed } = request();
    const { host: _host, ...headers } = signed;
    expect((await fetch(url, { method, headers })).headers.get("x-acs-retry-after")).toBe("1000");
  });
});
