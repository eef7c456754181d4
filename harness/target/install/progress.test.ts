import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { Display } from "../../run/display.ts";
import { VirtualClock } from "../../virtual-clock.ts";
import { type InstallProgress, showProgress } from "./progress.ts";

const compiling: InstallProgress = { kind: "step", text: "compiling etcd", usually: "20 s on 2 cores" };
const packages = (done: number): InstallProgress => ({ kind: "amount", done, total: 900, unit: "packages" });

function on(stream: PassThrough & { readonly isTTY?: boolean }, clock: VirtualClock): Display {
  return new Display({ stream, mode: stream.isTTY === true ? "live" : "lines", clock });
}

test("off a terminal each step, refusal and wait is a line", () => {
  const stream = new PassThrough({ encoding: "utf8" });
  using shown = showProgress(on(stream, new VirtualClock()));
  shown.report({ kind: "waiting", ownerPid: 42 });
  shown.report({ kind: "refused", way: "images", reason: "no engine" });
  shown.report(compiling);
  shown.report({ kind: "step", text: "copying" });
  expect(stream.read()).toBe(
    [
      "waiting for process 42, which installs into the same cache",
      "not from images: no engine",
      "compiling etcd (usually 20 s on 2 cores)",
      "copying",
      "",
    ].join("\n"),
  );
});

test("off a terminal an amount is a line only when nothing was said for 15 s", async () => {
  const stream = new PassThrough({ encoding: "utf8" });
  const clock = new VirtualClock();
  using shown = showProgress(on(stream, clock));
  shown.report(compiling);
  stream.read();
  await clock.advance(14_999);
  shown.report(packages(100));
  await clock.advance(1);
  shown.report(packages(101));
  shown.report(packages(102));
  expect(stream.read()).toBe("  101 of 900 packages\n");
});

test.each([
  [{ kind: "amount", done: 12_345_678, total: 118_792_354, unit: "bytes" }, "12.3 MB of 118.8 MB"],
  [{ kind: "amount", done: 12_345_678, total: undefined, unit: "bytes" }, "12.3 MB"],
  [{ kind: "amount", done: 7, total: undefined, unit: "modules" }, "7 modules"],
] satisfies [InstallProgress, string][])("%o is shown as %s", async (amount, text) => {
  const stream = new PassThrough({ encoding: "utf8" });
  const clock = new VirtualClock();
  using shown = showProgress(on(stream, clock));
  await clock.advance(15_000);
  shown.report(amount);
  expect(stream.read()).toBe(`  ${text}\n`);
});

test("on a terminal one line says the step, how far it is and how long it has taken", async () => {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: true, columns: 100 });
  const clock = new VirtualClock();
  using shown = showProgress(on(stream, clock));
  const seen = () => stripVTControlCharacters(String(stream.read())).trim();
  shown.report(compiling);
  expect(seen()).toBe("compiling etcd (usually 20 s on 2 cores), 0 s");
  shown.report(packages(101));
  await clock.advance(1_000);
  expect(seen().split("\n").at(-1)).toContain("compiling etcd (usually 20 s on 2 cores), 101 of 900 packages, 1 s");
});
