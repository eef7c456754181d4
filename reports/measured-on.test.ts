import { expect, it } from "vitest";
import { LatencyHistogram } from "../harness/load/histogram.ts";
import { readRun } from "../harness/run/read-run.ts";
import type { Load, PhaseName, Result } from "../harness/run/schema.ts";
import { measuredOn } from "./measured-on.ts";

const complete = await readRun("reports/fixtures/complete");
const open: Load = { model: "open", arrivals: "constant", ratePerSecond: 200, inFlightMax: 64 };

/** What is said of the load where the phases were loaded so; the others had none. */
function loads(of: Partial<Record<PhaseName, Load>>): string[] {
  const cells: Result["cells"] = complete.cells.map((cell) => ({
    ...cell,
    phases: cell.phases.map((phase) => ({ ...phase, load: of[phase.name] ?? null })),
  }));
  return measuredOn({ ...complete, cells }).filter((sentence) => sentence.startsWith("Load"));
}

it("says once what load all phases had", () => {
  expect(loads({ write: open, read: open })).toEqual([
    "Load: open loop, 200/s, at most 64 in flight; latency counts from when a request was due.",
  ]);
});

it("names the phases where their loads differ", () => {
  expect(loads({ write: open, read: open, list: { model: "closed", inFlight: 1 }, delete: open })).toEqual([
    "Load of write, read and delete: open loop, 200/s, at most 64 in flight; latency counts from when a request was due.",
    "Load of list: closed loop, one client; latency counts from when a request was sent.",
  ]);
});

it("says how many clients a closed loop had", () => {
  expect(loads({ write: { model: "closed", inFlight: 8 } })).toEqual([
    "Load: closed loop, 8 clients; latency counts from when a request was sent.",
  ]);
});

it("says how requests came where not evenly", () => {
  expect(loads({ write: { ...open, arrivals: "poisson" } })).toEqual([
    "Load: open loop, Poisson arrivals, on average 200/s, at most 64 in flight; latency counts from when a request was due.",
  ]);
});

it("says what the client can do at best", () => {
  const latency = LatencyHistogram.empty();
  latency.recordMs(0.25);
  const some = latency.toLatency();
  if (some === null) throw new TypeError();
  const floor = { roundTrips: { https: some }, eventLoopDelay: some, clockResolutionNs: 40, sendDelay: some };
  expect(measuredOn({ ...complete, floor })).toContain(
    "The client itself: a call to a server that does nothing takes 250 µs (https); it sends 250 µs late, one in a hundred 250 µs; " +
      "its event loop is late by 250 µs, one in a hundred times by 250 µs.",
  );
});

it("says nothing of the load where there was none", () => {
  expect(loads({})).toEqual([]);
});

it.each<[string, Partial<Result["header"]>, string]>([
  ["a plugin alone", { target: null, plugin: "/run/kms.sock" }, "Checked without a control plane; KMS plugin: /run/kms.sock."],
  ["a file", { target: null, plugin: null }, "Checked without a control plane; KMS plugin: none."],
  ["an API server", { plugin: null }, "Checked on kube-apiserver v1.37.2 with etcd v3.7.3, target processes; KMS plugin: none."],
])("says what was checked where it was %s", async (_, header, sentence) => {
  const conform = await readRun("reports/fixtures/conform");
  expect(measuredOn({ ...conform, header: { ...conform.header, ...header } })[0]).toBe(sentence);
});

it("says first that verdicts are a model's", async () => {
  const conform = await readRun("reports/fixtures/conform");
  const target = { kind: "embedded", kubernetes: "v1.37.2", etcd: null, isModel: true, refused: [] } as const;
  expect(measuredOn({ ...conform, header: { ...conform.header, target: { ...target, refused: [] } } }).slice(0, 2)).toEqual([
    "These verdicts are a model's: the target embedded is no kube-apiserver.",
    "Checked on a model of kube-apiserver v1.37.2, target embedded; KMS plugin: /run/kms/other.sock.",
  ]);
});
