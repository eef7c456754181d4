import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { Load } from "../run/schema.ts";
import { type LoadWords, readLoadWords } from "./load-words.ts";

const folder = mkdtempSync(join(tmpdir(), "kmsmark-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const recording = join(folder, "calls.csv");
writeFileSync(recording, "sequence,start_ms\n0,10\n1,15\n2,30\n");

const none: LoadWords = {
  rate: undefined,
  arrivals: undefined,
  replay: undefined,
  duration: undefined,
  "in-flight": undefined,
  "closed-loop": undefined,
};
const open: Load = { model: "open", arrivals: "constant", ratePerSecond: 200, inFlightMax: 64 };
const closed: Load = { model: "closed", inFlight: 8 };

it.each<[string, Partial<LoadWords>, Load, object]>([
  ["nothing", {}, open, { model: "open", arrivals: "constant", ratePerSecond: 200, inFlightMax: 64 }],
  ["nothing, where a closed loop is usual", {}, closed, { model: "closed", inFlight: 8 }],
  ["a rate", { rate: "50" }, open, { model: "open", arrivals: "constant", ratePerSecond: 50, inFlightMax: 64 }],
  [
    "a rate, where a closed loop is usual",
    { rate: "50" },
    closed,
    { model: "open", arrivals: "constant", ratePerSecond: 50, inFlightMax: 8 },
  ],
  ["Poisson", { arrivals: "poisson", rate: "0.5" }, open, { model: "open", arrivals: "poisson", ratePerSecond: 0.5, inFlightMax: 64 }],
  [
    "a span, which is a ramp",
    { rate: "100..300" },
    open,
    {
      model: "open",
      arrivals: "ramp",
      ratePerSecond: 200,
      inFlightMax: 64,
      shape: { arrivals: "ramp", fromPerSecond: 100, toPerSecond: 300 },
    },
  ],
  [
    "several rates, which are steps",
    { rate: "100, 200,600", "in-flight": 9 },
    open,
    { model: "open", arrivals: "step", ratePerSecond: 300, inFlightMax: 9, shape: { arrivals: "step", ratesPerSecond: [100, 200, 600] } },
  ],
  [
    "a spike",
    { arrivals: "spike", rate: "100..600" },
    open,
    {
      model: "open",
      arrivals: "spike",
      ratePerSecond: 200,
      inFlightMax: 64,
      shape: { arrivals: "spike", basePerSecond: 100, peakPerSecond: 600 },
    },
  ],
  [
    "a recording",
    { replay: recording },
    open,
    {
      model: "open",
      arrivals: "replay",
      ratePerSecond: 100,
      inFlightMax: 64,
      shape: { arrivals: "replay", recordedMs: Float64Array.of(10, 15, 30) },
    },
  ],
  ["a duration", { duration: "1.5s", "closed-loop": true }, open, { model: "closed", inFlight: 64, durationMs: 1500 }],
])("understands %s", (_what, words, preset, plan) => {
  const faults: string[] = [];
  expect(readLoadWords({ ...none, ...words }, preset, faults)).toEqual(plan);
  expect(faults).toEqual([]);
});

it.each<[Partial<LoadWords>, string]>([
  [{ rate: "0" }, "--rate takes requests a second above 0"],
  [{ rate: "" }, "--rate takes requests a second above 0"],
  [{ rate: "1..2..3" }, "--rate takes requests a second above 0"],
  [{ rate: "5000001" }, "at most 1000000"],
  [{ rate: "1e" }, "--rate takes requests a second above 0"],
  [{ arrivals: "gauss" }, '--arrivals takes one of constant, poisson, ramp, step, spike, replay, not "gauss"'],
  [{ arrivals: "poisson", rate: "1..2" }, "--arrivals poisson takes a --rate that does not change"],
  [{ arrivals: "ramp" }, "--arrivals ramp takes a --rate from..to"],
  [{ arrivals: "spike", rate: "1,2" }, "--arrivals spike takes a --rate base..peak"],
  [{ arrivals: "step", rate: "1..2" }, "--arrivals step takes several --rate"],
  [{ arrivals: "replay" }, "takes the recorded times from --replay FILE"],
  [{ replay: recording, rate: "5" }, "--rate means nothing"],
  [{ replay: recording, arrivals: "ramp" }, "--arrivals ramp says otherwise"],
  [{ "closed-loop": true, rate: "5" }, "--closed-loop sends when it is answered"],
  [{ duration: "5" }, '--duration takes a time like 500ms, 30s or 10m, at most 24h, not "5"'],
  [{ duration: "0s" }, "--duration takes a time"],
  [{ duration: "25h" }, "--duration takes a time"],
  [{ "in-flight": 0 }, "--in-flight takes a whole number from 1 to 4096"],
  [{ "in-flight": 1.5 }, "--in-flight takes a whole number from 1 to 4096"],
])("says what is wrong with %j", (words, fault) => {
  const faults: string[] = [];
  readLoadWords({ ...none, ...words }, open, faults);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(fault);
});
