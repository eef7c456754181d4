import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { Display } from "./display.ts";
import { inColour, plainLook } from "./look.ts";
import { Progress } from "./progress.ts";
import { Screen } from "./screen.ts";

const write = { provider: "kms-v2", secrets: 50, phase: "write", due: 50, weight: 50 } as const;

/** A progress over a stream that is no terminal and remembers what was written. */
function inLines() {
  const stream = new PassThrough({ encoding: "utf8" });
  const clock = new VirtualClock();
  const progress = new Progress(new Display({ stream, mode: "lines", clock }));
  return { clock, progress, written: (): string => stream.read() ?? "" };
}

/** A progress over a terminal. */
function onScreen(columns: number, look = plainLook) {
  const screen = new Screen({ columns });
  const clock = new VirtualClock();
  const progress = new Progress(new Display({ stream: screen, mode: "live", clock, look }));
  return { clock, progress, screen };
}

/** Lets a phase answer so many requests in each half of a second, each in so many ms, with so many Decrypts. */
async function load(
  { clock, progress }: { clock: VirtualClock; progress: Progress },
  halves: readonly { answers: number; ms: number; decrypts: number }[],
) {
  let [done, totalMs, decrypts] = [0, 0, 0];
  for (const half of halves) {
    await clock.advance(500);
    done += half.answers;
    totalMs += half.answers * half.ms;
    decrypts += half.decrypts;
    progress.update({ done, failed: 0, latency: { count: done, totalMs }, kmsCalls: { Encrypt: 1, Decrypt: decrypts, Status: 3 } });
  }
  await clock.advance(500);
}

const halves = [
  { answers: 50, ms: 1, decrypts: 0 },
  { answers: 50, ms: 1, decrypts: 5 },
  { answers: 50, ms: 10, decrypts: 10 },
  { answers: 50, ms: 1.234, decrypts: 10 },
];
const read = { ...write, phase: "read", due: 500, weight: 500 } as const;
const expected = { weight: 1000, cells: 4, phases: 36 };

/** What is on the screen of a phase that is under way. */
async function screenOf(columns: number, look = plainLook): Promise<string[]> {
  const shown = onScreen(columns, look);
  shown.progress.expect(expected);
  shown.progress.startPhase(read);
  await load(shown, halves);
  return await shown.screen.lines();
}

describe("on a terminal", () => {
  it.each([
    [
      100,
      [
        "read  kms-v2, 50 secrets  cell 1/4, phase 1/36  2.5 s  ~10 s left",
        "████████░░░░░░░░░░░░  200/500  80/s                 latency  1.23 ms ▁▁█▁",
        "Encrypt 1 (0/s)  Decrypt 25 (20/s)  Status 3 (0/s)  calls       20/s ▄▄██",
      ],
    ],
    [
      80,
      [
        "read  kms-v2, 50 secrets  cell 1/4, phase 1/36  2.5 s  ~10 s left",
        "████████░░░░░░░░░░░░  200/500  80/s                 latency  1.23 ms ▁▁█▁",
        "Encrypt 1 (0/s)  Decrypt 25 (20/s)  Status 3 (0/s)  calls       20/s ▄▄██",
      ],
    ],
    [
      72,
      [
        "read  kms-v2, 50 secrets  cell 1/4, phase 1/36  2.5 s  ~10 s left",
        "████░░░░░░  200/500  80/s        latency  1.23 ms ▁▁█▁",
        "Encrypt 1  Decrypt 25  Status 3  calls       20/s ▄▄██",
      ],
    ],
    [
      60,
      [
        "read  kms-v2, 50 secrets  cell 1/4, phase 1/36  ~10 s left",
        "████░░░░░░  200/500  80/s        latency  1.23 ms ▁▁█▁",
        "Encrypt 1  Decrypt 25  Status 3  calls       20/s ▄▄██",
      ],
    ],
    [59, ["kms-v2, 50 secrets: read 200/500, 80/s, 29 KMS calls, 2.5…"]],
    [30, ["kms-v2, 50 secrets: read 200…"]],
  ])("of %d columns shows where the run is, how far and how fast, the KMS calls, and the curves that fit", async (columns, lines) => {
    expect(await screenOf(columns)).toEqual(lines);
  });

  it("has no characters beyond ASCII where the terminal knows none", async () => {
    expect(await screenOf(80, { ...plainLook, isUnicode: false })).toEqual([
      "read  kms-v2, 50 secrets  cell 1/4, phase 1/36  2.5 s  ~10 s left",
      "########............  200/500  80/s                 latency  1.23 ms __#_",
      "Encrypt 1 (0/s)  Decrypt 25 (20/s)  Status 3 (0/s)  calls       20/s ::##",
    ]);
  });

  it("has the same text with colours", async () => {
    expect(await screenOf(80, { ...plainLook, paint: inColour })).toEqual(await screenOf(80));
  });

  it("shows curves as long as there is room, of the last readings", async () => {
    const shown = onScreen(80);
    shown.progress.startPhase(read);
    await load(
      shown,
      Array.from({ length: 40 }, (_, at) => ({ answers: 1, ms: 10 ** (at % 4), decrypts: at % 4 })),
    );
    const [, latency = "", calls = ""] = await shown.screen.lines();
    expect(latency.slice(-10)).toBe("▆█▁▃▆█▁▃▆█");
    expect(calls.slice(-10)).toBe("▆█▁▃▆█▁▃▆█");
    expect([latency.length, calls.length]).toEqual([79, 79]);
  });

  it("leaves a gap in the curve where no answer came", async () => {
    const shown = onScreen(80);
    shown.progress.startPhase(read);
    await load(
      shown,
      [halves[0], { answers: 0, ms: 0, decrypts: 0 }, halves[0]].map((half) => half ?? { answers: 0, ms: 0, decrypts: 0 }),
    );
    expect((await shown.screen.lines())[1]).toMatch(/ {2}1 ms ▁ ▁$/);
  });

  it("keeps the curve where no answer came just now", async () => {
    const shown = onScreen(80);
    shown.progress.startPhase(read);
    await load(shown, [
      { answers: 50, ms: 1, decrypts: 0 },
      { answers: 0, ms: 0, decrypts: 0 },
    ]);
    expect((await shown.screen.lines())[1]).toMatch(/latency {8}– ▁$/);
  });

  it("says how many failed", async () => {
    const { clock, progress, screen } = onScreen(80);
    progress.startPhase(write);
    progress.update({ done: 20, failed: 3, kmsCalls: {} });
    await clock.advance(500);
    expect(await screen.lines()).toEqual([
      "write  kms-v2, 50 secrets  0.5 s",
      "████████░░░░░░░░░░░░  20/50  40/s  3 failed",
      "no KMS call",
    ]);
  });

  it("shows what is waited for, as long as that is told", async () => {
    const { clock, progress, screen } = onScreen(80);
    progress.startPhase({ ...write, phase: "outage", due: 0 });
    progress.update({ done: 0, kmsCalls: { Status: 3 }, awaited: "the KMS is back in 80 s" });
    await clock.advance(500);
    expect(await screen.lines()).toEqual(["outage  kms-v2, 50 secrets  0.5 s", "the KMS is back in 80 s", "Status 3"]);
    progress.update({ done: 0, kmsCalls: { Status: 4 } });
    await clock.advance(500);
    expect(await screen.lines()).toEqual(["outage  kms-v2, 50 secrets  1.0 s", "Status 4 (8/s)  calls        8/s █"]);
  });

  it("says nothing of requests and calls that nobody counts", async () => {
    const { clock, progress, screen } = onScreen(80);
    progress.startPhase({ ...write, phase: "restart", due: 0, weight: 0 });
    await clock.advance(3000);
    expect(await screen.lines()).toEqual(["restart  kms-v2, 50 secrets  3.0 s"]);
  });

  it("cuts the name of what is measured where even that is too long, and never the phase", async () => {
    const { progress, screen } = onScreen(60);
    progress.startPhase({ ...write, benchmark: "v1-vs-v2", secrets: 5000, parameters: { kmsLatencyMs: 40 }, round: 2, phase: "read" });
    expect((await screen.lines())[0]).toBe("read  v1-vs-v2: kms-v2, 5000 secrets, kmsLatencyMs 40, rou…");
  });

  it("reckons the time left and the place from all that the benchmark does, and anew for the next", async () => {
    const { clock, progress, screen } = onScreen(80);
    const work = { weight: 100, cells: 2, phases: 2 };
    const first = async () => (await screen.lines())[0];
    for (const benchmark of ["lifecycle", "write"]) {
      progress.expect(work);
      progress.startPhase({ ...write, benchmark });
      progress.update({ done: 50, kmsCalls: {} });
      await clock.advance(1000);
      progress.endPhase();
      progress.startPhase({ ...write, benchmark, secrets: 500 });
      progress.update({ done: 25, kmsCalls: {} });
      await clock.advance(1000);
      const name = benchmark === "lifecycle" ? "" : "write: ";
      expect(await first()).toBe(`write  ${name}kms-v2, 500 secrets  cell 2/2, phase 2/2  1.0 s  ~1 s left`);
    }
  });

  it("keeps the lines of a phase that is over as they were, until there is something else", async () => {
    const { clock, progress, screen } = onScreen(80);
    progress.startPhase(write);
    progress.update({ done: 50, kmsCalls: {} });
    await clock.advance(1000);
    progress.endPhase();
    await clock.advance(5000);
    expect(await screen.lines()).toEqual(["write  kms-v2, 50 secrets  1.0 s", "████████████████████  50/50  50/s", "no KMS call"]);
    progress.pass("starting the control plane of kms-v1");
    await clock.advance(2000);
    expect(await screen.lines()).toEqual(["starting the control plane of kms-v1, 2 s"]);
  });

  it("follows a terminal that becomes narrower and wider, and leaves nothing of before", async () => {
    const { clock, progress, screen } = onScreen(100);
    progress.say("Seed 1.");
    progress.startPhase({ ...write, benchmark: "v1-vs-v2", parameters: { kmsLatencyMs: 40 }, round: 2 });
    progress.update({ done: 50, kmsCalls: {} });
    const wide = [
      "write  v1-vs-v2: kms-v2, 50 secrets, kmsLatencyMs 40, round 2  1.0 s",
      "████████████████████  50/50  50/s",
      "no KMS call",
    ];
    screen.resize(40);
    await clock.advance(500);
    expect(await screen.lines()).toEqual(["Seed 1.", "v1-vs-v2: kms-v2, 50 secrets, kmsLaten…"]);
    screen.resize(100);
    await clock.advance(500);
    expect(await screen.lines()).toEqual(["Seed 1.", ...wide]);
    expect(screen.cursor).toEqual({ line: 4, column: 0 });
  });

  it("leaves the screen to what stays, also after the echo of Ctrl-C", async () => {
    const { progress, screen } = onScreen(80);
    progress.say("Seed 1.");
    progress.startPhase(write);
    screen.write("^C");
    progress[Symbol.dispose]();
    screen.write("kmsmark: interrupted.\n");
    expect(await screen.lines()).toEqual(["Seed 1.", "kmsmark: interrupted."]);
    expect(screen.cursor).toEqual({ line: 2, column: 0 });
    expect(screen.written).not.toContain("\u001B[?25l");
  });

  it("stops drawing when it is disposed of", async () => {
    const { clock, progress, screen } = onScreen(80);
    progress.startPhase(write);
    progress[Symbol.dispose]();
    await screen.lines();
    const { length } = screen.written;
    await clock.advance(5000);
    expect(screen.written).toHaveLength(length);
  });
});

describe("elsewhere", () => {
  it("writes a line when a phase is over, and what stays as it is", async () => {
    const { clock, progress, written } = inLines();
    progress.say("The target is embedded.");
    progress.pass("starting the control plane of kms-v2");
    progress.expect({ weight: 100, cells: 1, phases: 2 });
    progress.startPhase(write);
    expect(written()).toBe("The target is embedded.\nstarting the control plane of kms-v2.\n");
    await clock.advance(2000);
    expect(written()).toBe("");
    progress.update({ done: 50, kmsCalls: { Encrypt: 5, Status: 2 } });
    progress.endPhase();
    progress.endPhase();
    expect(written()).toBe("kms-v2, 50 secrets: write 50/50, 25/s, 7 KMS calls, 2.0 s, about 2 s left\n");
  });

  it("says nothing of time left when nothing is left", async () => {
    const { clock, progress, written } = inLines();
    progress.expect({ weight: 50, cells: 1, phases: 1 });
    progress.startPhase(write);
    await clock.advance(2000);
    progress.update({ done: 50, kmsCalls: { Status: 1 } });
    progress.endPhase();
    expect(written()).toBe("kms-v2, 50 secrets: write 50/50, 25/s, 1 KMS call, 2.0 s\n");
  });

  it("gives long times in minutes, and no calls where nobody sees them", async () => {
    const { clock, progress, written } = inLines();
    progress.expect({ weight: 5000, cells: 1, phases: 1 });
    progress.startPhase(write);
    await clock.advance(2000);
    progress.update({ done: 50, kmsCalls: undefined });
    progress.endPhase();
    expect(written()).toBe("kms-v2, 50 secrets: write 50/50, 25/s, 2.0 s, about 3 min left\n");
  });
});

it("says nothing where only the answer is wanted", async () => {
  const stream = new PassThrough({ encoding: "utf8" });
  const clock = new VirtualClock();
  const progress = new Progress(new Display({ stream, mode: "silent", clock }));
  progress.say("The target is embedded.");
  progress.pass("starting");
  progress.startPhase(write);
  await clock.advance(1000);
  progress.endPhase();
  expect(stream.read()).toBeNull();
});
