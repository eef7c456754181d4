import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { Progress, type ProgressMode, progressMode } from "./progress.ts";

const write = { provider: "kms-v2", secrets: 50, phase: "write", due: 50, weight: 50 } as const;

/** A progress over a stream that remembers what was written. */
function on(mode: ProgressMode, columns = 200) {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: mode === "live", columns });
  const clock = new VirtualClock();
  const progress = new Progress({ stream, mode, clock });
  return { clock, progress, written: (): string => stream.read() ?? "" };
}

/** What is left on the screen's last line: what was written last that is no control sequence. */
function lastLine(written: string): string | undefined {
  return stripVTControlCharacters(written)
    .split("\n")
    .findLast((line) => line !== "");
}

describe("progressMode", () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  it.each<[string, ProgressMode, Parameters<typeof progressMode>]>([
    ["a terminal", "live", [terminal, { quiet: false, environment: {} }]],
    ["a terminal without colours", "live", [terminal, { quiet: false, environment: { NO_COLOR: "1" } }]],
    ["a terminal that cannot move its cursor", "lines", [terminal, { quiet: false, environment: { TERM: "dumb" } }]],
    ["a pipe", "lines", [new PassThrough(), { quiet: false, environment: {} }]],
    ["a terminal when only the answer is wanted", "silent", [terminal, { quiet: true, environment: {} }]],
  ])("of %s is %s", (_, mode, given) => {
    expect(progressMode(...given)).toBe(mode);
  });
});

describe("on a terminal", () => {
  it("shows what is waited for, as long as that is told", async () => {
    const { clock, progress, written } = on("live");
    progress.startPhase({ ...write, phase: "outage", due: 0 });
    progress.update({ done: 0, kmsCalls: 3, awaited: "the KMS is back in 80 s" });
    await clock.advance(1000);
    expect(lastLine(written())).toContain("outage, the KMS is back in 80 s, 3 KMS calls, 1.0 s");
    progress.update({ done: 0, kmsCalls: 4 });
    await clock.advance(1000);
    expect(lastLine(written())).toContain("outage, 4 KMS calls, 2.0 s");
  });

  it("shows where, how far, how fast, how many calls and what is left", async () => {
    const { clock, progress, written } = on("live");
    progress.expect(200);
    progress.startPhase(write);
    progress.update({ done: 10, kmsCalls: 1 });
    await clock.advance(200);
    expect(lastLine(written())).toBe("kms-v2, 50 secrets: write 10/50, 50/s, 1 KMS call, 0.2 s, about 4 s left");
  });

  it("reckons the time left from the whole run", async () => {
    const { clock, progress, written } = on("live");
    progress.expect(100);
    progress.startPhase(write);
    progress.update({ done: 50, kmsCalls: 0 });
    await clock.advance(1000);
    progress.endPhase();
    progress.startPhase({ ...write, phase: "read" });
    progress.update({ done: 25, kmsCalls: 0 });
    await clock.advance(1000);
    expect(lastLine(written())).toBe("kms-v2, 50 secrets: read 25/50, 25/s, 0 KMS calls, 1.0 s, about 1 s left");
  });

  it("shows no count and no rate of a phase that sends nothing", async () => {
    const { clock, progress, written } = on("live");
    progress.startPhase({ ...write, phase: "restart", due: 0, weight: 0 });
    await clock.advance(3000);
    expect(lastLine(written())).toBe("kms-v2, 50 secrets: restart, 0 KMS calls, 3.0 s");
  });

  it("cuts the line where the terminal ends", async () => {
    const { clock, progress, written } = on("live", 30);
    progress.startPhase(write);
    await clock.advance(200);
    expect(lastLine(written())).toBe("kms-v2, 50 secrets: write 0/…");
  });

  it("keeps to one line while a phase lasts", async () => {
    const { clock, progress, written } = on("live");
    progress.startPhase(write);
    for (let done = 0; done < 50; done++) {
      progress.update({ done, kmsCalls: 0 });
      await clock.advance(100);
    }
    const text = written();
    // Each drawing ends its line once and first erases the one before.
    expect(text.split("\n").length - 1).toBe(26);
    expect(text.split("\u001B[1A").length - 1).toBe(25);
  });

  it("writes sentences that stay above the line", async () => {
    const { progress, written } = on("live");
    progress.startPhase(write);
    progress.say("The target is embedded.");
    const text = written();
    expect(text).toContain("The target is embedded.\n");
    expect(lastLine(text)).toMatch(/^kms-v2, 50 secrets: write 0\/50/);
  });

  it("uses no colour", async () => {
    const { clock, progress, written } = on("live");
    progress.startPhase(write);
    await clock.advance(1000);
    const sequences = written().split("\u001B[").slice(1);
    expect(sequences.length).toBeGreaterThan(0);
    expect(sequences.filter((sequence) => /^[0-9;]*m/.test(sequence))).toEqual([]);
  });

  it("stops drawing when it is disposed of", async () => {
    const { clock, progress, written } = on("live");
    progress.startPhase(write);
    progress[Symbol.dispose]();
    written();
    await clock.advance(5000);
    expect(written()).toBe("");
  });
});

describe("elsewhere", () => {
  it("writes a line when a phase is over", async () => {
    const { clock, progress, written } = on("lines");
    progress.expect(100);
    progress.startPhase(write);
    await clock.advance(2000);
    expect(written()).toBe("");
    progress.update({ done: 50, kmsCalls: 7 });
    progress.endPhase();
    expect(written()).toBe("kms-v2, 50 secrets: write 50/50, 25/s, 7 KMS calls, 2.0 s, about 2 s left\n");
  });

  it("says nothing of time left when nothing is left", async () => {
    const { clock, progress, written } = on("lines");
    progress.expect(50);
    progress.startPhase(write);
    await clock.advance(2000);
    progress.update({ done: 50, kmsCalls: 0 });
    progress.endPhase();
    expect(written()).toBe("kms-v2, 50 secrets: write 50/50, 25/s, 0 KMS calls, 2.0 s\n");
  });

  it("gives long times in minutes", async () => {
    const { clock, progress, written } = on("lines");
    progress.expect(5000);
    progress.startPhase(write);
    await clock.advance(2000);
    progress.update({ done: 50, kmsCalls: 0 });
    progress.endPhase();
    expect(written()).toContain("about 3 min left");
  });

  it("writes sentences as they are", () => {
    const { progress, written } = on("lines");
    progress.say("The target is embedded.");
    expect(written()).toBe("The target is embedded.\n");
  });
});

it("says nothing where only the answer is wanted", async () => {
  const { clock, progress, written } = on("silent");
  progress.say("The target is embedded.");
  progress.startPhase(write);
  await clock.advance(1000);
  progress.endPhase();
  expect(written()).toBe("");
});
