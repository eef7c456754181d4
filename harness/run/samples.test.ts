import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LatencyHistogram } from "../load/histogram.ts";
import { type KmsCallSample, type RequestSample, Samples } from "./samples.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string) => readFileSync(join(folder, "samples", name), "utf8");
const request: RequestSample = {
  benchmark: "lifecycle",
  provider: "kms-v2",
  secrets: 50,
  parameters: {},
  round: 1,
  phase: "write",
  index: 0,
  dueMs: 0,
  sentMs: 0.25,
  doneMs: 2.1234567891,
  status: 201,
};
const call: KmsCallSample = {
  benchmark: "storm",
  provider: "kms-v2",
  secrets: 50,
  parameters: { kmsLatencyMs: 10, apiServers: 3 },
  round: 2,
  phase: "start",
  apiServer: 3,
  sequence: 3,
  kms: "v2",
  method: "Encrypt",
  uid: "5b0e9a50-1b1f-4a53-8f0d-1c3c8a2f7e11",
  keyId: "key-1",
  requestBytes: 70,
  responseBytes: 120,
  purpose: "work",
  startMs: 12.5,
  durationMs: 0.31,
  grpcCode: 0,
  fault: undefined,
};

it("writes requests with a header, times to the nanosecond", async () => {
  const samples = new Samples(folder);
  samples.requests.append(request);
  await samples.flush();
  expect(read("requests.csv")).toBe(
    "benchmark,provider,secrets,parameters,round,phase,index,due_ms,sent_ms,done_ms,status\nlifecycle,kms-v2,50,,1,write,0,0,0.25,2.123457,201\n",
  );
});

it("leaves empty what did not happen", async () => {
  const samples = new Samples(folder);
  samples.requests.append({ ...request, sentMs: null, doneMs: null, status: 0 });
  await samples.flush();
  expect(read("requests.csv").split("\n")[1]).toBe("lifecycle,kms-v2,50,,1,write,0,0,,,0");
});

it("writes KMS calls with their origin", async () => {
  const samples = new Samples(folder);
  samples.kmsCalls.append(call);
  await samples.flush();
  expect(read("kms-calls.csv")).toBe(
    "benchmark,provider,secrets,parameters,round,phase,api_server,sequence,kms,method,purpose,uid,key_id,request_bytes,response_bytes,start_ms,duration_ms,grpc_code,fault\n" +
      "storm,kms-v2,50,kmsLatencyMs=10 apiServers=3,2,start,3,3,v2,Encrypt,work,5b0e9a50-1b1f-4a53-8f0d-1c3c8a2f7e11,key-1,70,120,12.5,0.31,0,\n",
  );
});

it("writes seconds with their distribution, and without where nothing was successful", async () => {
  const samples = new Samples(folder);
  const histogram = LatencyHistogram.empty();
  for (const ms of [1, 2, 3]) histogram.recordMs(ms);
  const { benchmark, provider, secrets, parameters, round, phase } = request;
  const second = {
    benchmark,
    provider,
    secrets,
    parameters,
    round,
    phase,
    second: 4,
    ok: 3,
    failed: 1,
    dropped: 0,
    latency: histogram.toLatency(),
  };
  samples.appendSecond(second);
  samples.appendSecond({ ...second, second: 5, ok: 0, latency: null });
  await samples.flush();
  const [header = "", first = "", next = ""] = read("seconds.csv").split("\n");
  expect(header).toBe(
    "benchmark,provider,secrets,parameters,round,phase,second,ok,failed,dropped,min_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,histogram",
  );
  expect(first).toMatch(/,write,4,3,1,0,1000000,2000895,3000000,3000000,3000000,3000000,\w/);
  expect(next).toMatch(/,write,5,0,1,0,,,,,,,$/);
});

it("adds the next phase behind the last, in order and under one header", async () => {
  const samples = new Samples(folder);
  for (let index = 0; index < 5000; index++) {
    samples.requests.append({ ...request, index });
    if (index % 2000 === 1999) await samples.flush();
  }
  await samples.flush();
  const [, ...rows] = read("requests.csv").trimEnd().split("\n");
  expect(rows.map((row) => Number(row.split(",")[6]))).toEqual(Array.from({ length: 5000 }, (_, index) => index));
});

it("writes no file where there is nothing to say", async () => {
  await new Samples(folder).flush();
  expect(existsSync(join(folder, "samples"))).toBe(false);
});

it.each(["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1"])("makes a key id that a spreadsheet would run harmless: %j", async (keyId) => {
  const samples = new Samples(folder);
  samples.kmsCalls.append({ ...call, keyId });
  await samples.flush();
  expect(read("kms-calls.csv")).toContain(`,'${keyId},`);
});

it("quotes a key id with commas, quotes and line ends", async () => {
  const samples = new Samples(folder);
  samples.kmsCalls.append({ ...call, keyId: 'a,"b"\nc' });
  await samples.flush();
  expect(read("kms-calls.csv")).toContain(',"a,""b""\nc",');
});

it("says once that it cannot write, and lets the run go on", async () => {
  writeFileSync(join(folder, "samples"), "");
  const samples = new Samples(folder);
  samples.requests.append(request);
  await expect(samples.flush()).rejects.toMatchObject({ code: "in-the-way" });
  samples.requests.append(request);
  await samples.flush();
});
