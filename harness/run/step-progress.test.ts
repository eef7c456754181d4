import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { Display } from "./display.ts";
import type { ProgressMode } from "./look.ts";
import { StepProgress } from "./step-progress.ts";

/** A progress over a stream that remembers what was written. */
function on(mode: ProgressMode, columns = 200) {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: mode === "live", columns });
  const clock = new VirtualClock();
  const progress = new StepProgress(new Display({ stream, mode, clock }));
  const written = (): string => stripVTControlCharacters(stream.read() ?? "");
  const lastLine = () =>
    written()
      .split("\n")
      .findLast((line) => line !== "");
  return { clock, progress, written, lastLine };
}

const step = { id: "a/b", part: "Part", title: "Title" };
const verified = { ...step, verdict: "verified", reason: null, remedy: null, durationMs: 1500 } as const;

it("shows on a terminal the step that is under way, for how long and what it is at", async () => {
  const { clock, progress, lastLine } = on("live");
  progress.expect(2);
  progress.start(step);
  progress.detail("the cluster is updating");
  await clock.advance(2000);
  expect(lastLine()).toBe("  [1/2] Title, 2 s: the cluster is updating");
  progress.share("written anew", 3, 60);
  await clock.advance(1000);
  expect(lastLine()).toBe("  [1/2] Title, 3 s: written anew 3/60");
  progress.end(verified);
  expect(lastLine()).toBe("  [1/2] verified: Title (1.5 s)");
});

it("cuts the title where the terminal is too narrow for it and what the step is at", async () => {
  const { clock, progress, lastLine } = on("live", 40);
  progress.expect(1);
  progress.start({ ...step, title: "A title that is long" });
  progress.detail("written 3/60");
  await clock.advance(1000);
  expect(lastLine()).toBe("  [1/1] A title tha…, 1 s: written 3/60");
  progress.detail("the cluster is updating");
  await clock.advance(1000);
  expect(lastLine()).toBe("  [1/1] A title tha…, 2 s: the cluster…");
});

it("writes elsewhere a line a step, what it is at, and each quarter of a long piece of work", () => {
  const { progress, written } = on("lines");
  progress.expect(2);
  progress.start(step);
  progress.detail("the cluster is updating");
  progress.detail("the cluster is updating");
  for (let done = 1; done <= 8; done++) progress.share("written anew", done, 8);
  progress.end(verified);
  progress.start(step);
  progress.end({ ...step, verdict: "refused", reason: "No.", remedy: "Do this.", durationMs: 0 });
  expect(written().split("\n")).toEqual([
    "Part",
    "    the cluster is updating",
    ...[2, 4, 6, 8].map((done) => `    written anew ${done}/8`),
    "  [1/2] verified: Title (1.5 s)",
    "  [2/2] refused: Title (0.0 s)",
    "    No.",
    "    To do: Do this.",
    "",
  ]);
});

it("says nothing where only the answer is wanted", () => {
  const { progress, written } = on("silent");
  progress.expect(1);
  progress.start(step);
  progress.share("written", 1, 1);
  progress.detail("x");
  progress.end(verified);
  expect(written()).toBe("");
});
