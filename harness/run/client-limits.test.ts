import { expect, it } from "vitest";
import { clientFindings, isClientFull, isSentLate, limitNs } from "./client-limits.ts";
import { readRun } from "./read-run.ts";
import type { ClientCost, Floor, Latency, Phase, Result } from "./schema.ts";
import { verdicts } from "./verdict.ts";

const complete = await readRun("reports/fixtures/complete");
const some = complete.cells.flatMap(({ phases }) => phases).find(({ latency }) => latency !== null);
if (some?.latency === null || some === undefined) throw new TypeError("The fixture has no latency.");
const timed: Phase & { readonly latency: Latency } = { ...some, latency: some.latency };
const cost: ClientCost = { cpuMs: 100, cpuUsPerRequest: 10, eventLoopDelayMaxMs: 1, gcPauseMaxMs: 1, gcPauseTotalMs: 1, sendDelayMsP99: 0 };
const floorOf = (p50: number): Floor => ({
  roundTrips: { https: { ...timed.latency, p50 } },
  eventLoopDelay: timed.latency,
  clockResolutionNs: 40,
  sendDelay: timed.latency,
});
const withPhase = (phase: Partial<Phase>, floor: Floor | null = null): Result => ({
  ...complete,
  floor,
  cells: complete.cells.slice(0, 1).map((cell) => ({ ...cell, phases: [{ ...timed, ...phase }] })),
});

it("says that the client was the bottleneck where it filled its core", () => {
  expect(isClientFull({ client: { ...cost, cpuMs: 899 }, durationMs: 1000 })).toBe(false);
  const full = { client: { ...cost, cpuMs: 900 }, durationMs: 1000 };
  expect(isClientFull(full)).toBe(true);
  expect(clientFindings(withPhase(full))).toEqual([
    `The client was the bottleneck in ${timed.name} of identity, 50 secrets: it filled its core, and the server may be faster.`,
  ]);
  expect(verdicts(withPhase(full)).sentences.map(({ text }) => text)).toContain(clientFindings(withPhase(full))[0]);
});

it("says that the client sent late where half of the latency is that", () => {
  const halfMs = timed.latency.p99 / 2e6;
  expect(isSentLate({ ...timed, client: { ...cost, sendDelayMsP99: halfMs } })).toBe(false);
  const late = { client: { ...cost, sendDelayMsP99: halfMs * 1.01 } };
  expect(isSentLate({ ...timed, ...late })).toBe(true);
  expect(clientFindings(withPhase({ ...late, durationMs: 1e6 }))).toEqual([
    `The client sent late in ${timed.name} of identity, 50 secrets: half of the slowest latencies there, or more, is its own.`,
  ]);
});

it("marks what is within three floors of its own kind", () => {
  const { p50 } = timed.latency;
  const far = floorOf(Math.floor(p50 / 3));
  const near = floorOf(Math.ceil(p50 / 3) + 1);
  expect(clientFindings(withPhase({}, far))).toEqual([]);
  expect(clientFindings(withPhase({}, near))).toEqual([
    `Latencies marked with ~ are within three of the client's own floors, and say more of it than of the server: in ${timed.name} of identity, 50 secrets.`,
  ]);
  // A plugin's socket is another kind, and its floor was not measured here.
  expect(limitNs({ ...timed, server: {} }, near)).toBeNull();
});

it("says nothing of a run that did not measure its client", () => {
  expect(clientFindings(complete)).toEqual([]);
});
