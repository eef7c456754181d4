import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { CheckProgress } from "./check-progress.ts";
import { Display } from "./display.ts";
import type { ProgressMode } from "./look.ts";
import type { CheckVerdict } from "./schema.ts";

const ended = (id: string, verdict: CheckVerdict) => ({ id, verdict, title: "It holds.", level: "MUST" }) as const;

/** A progress over a stream that remembers what was written. */
function on(mode: ProgressMode, columns = 200) {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: mode === "live", columns });
  const clock = new VirtualClock();
  const progress = new CheckProgress(new Display({ stream, mode, clock }));
  const written = (): string => stripVTControlCharacters(stream.read() ?? "");
  const lastLine = () =>
    written()
      .split("\n")
      .findLast((line) => line !== "");
  return { clock, progress, written, lastLine };
}

it("shows on a terminal how many are done and which are under way", async () => {
  const { clock, progress, lastLine } = on("live");
  progress.expect(3);
  progress.start({ id: "plugin/a" });
  progress.start({ id: "plugin/b" });
  await clock.advance(2000);
  expect(lastLine()).toBe("░░░░░░░░░░  0/3 checks, 2 s: plugin/a and 1 more");
  progress.end(ended("plugin/a", "pass"));
  await clock.advance(500);
  expect(lastLine()).toBe("███░░░░░░░  1/3 checks, 3 s: plugin/b");
  progress.end(ended("plugin/b", "inconclusive"));
  expect(lastLine()).toBe("███████░░░  2/3 checks, 1 not passed, 3 s");
});

it("cuts the line where the terminal ends", async () => {
  const { clock, progress, lastLine } = on("live", 20);
  progress.expect(3);
  progress.start({ id: "plugin/v2-status-keyid-limit" });
  await clock.advance(1000);
  expect(lastLine()).toBe("0/3 checks, 1 s: p…");
});

it("says at once what does not pass, and nothing of what does", () => {
  const { progress, written } = on("lines");
  progress.expect(3);
  for (const [name, verdict] of [
    ["a", "pass"],
    ["b", "fail"],
    ["c", "skipped"],
    ["d", "not-applicable"],
    ["e", "inconclusive"],
  ] as const) {
    progress.end(ended(`plugin/${name}`, verdict));
  }
  expect(written()).toBe("FAIL plugin/b (MUST): It holds.\nnot judged plugin/e (MUST): It holds.\n");
});

it("says elsewhere now and then that it goes on, until it is disposed of", async () => {
  const { clock, progress, written } = on("lines");
  progress.expect(2);
  progress.expect(1);
  progress.start({ id: "plugin/a" });
  await clock.advance(14_000);
  expect(written()).toBe("");
  await clock.advance(17_000);
  expect(written()).toBe("0/3 checks, 15 s: plugin/a\n0/3 checks, 30 s: plugin/a\n");
  progress[Symbol.dispose]();
  await clock.advance(60_000);
  expect(written()).toBe("");
});

it("says nothing where only the answer is wanted", async () => {
  const { clock, progress, written } = on("silent");
  progress.expect(1);
  progress.say("Seed 1.");
  progress.start({ id: "plugin/a" });
  await clock.advance(60_000);
  progress.end(ended("plugin/a", "fail"));
  expect(written()).toBe("");
});
