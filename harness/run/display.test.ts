import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { cut, Display, fitted } from "./display.ts";
import { inColour, type Look, type ProgressMode, plainLook } from "./look.ts";

const ascii: Look = { ...plainLook, isUnicode: false };

/** A display over a stream that remembers what was written, and plays the little of a terminal that log-update asks for. */
function on(mode: ProgressMode, columns = 80) {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: mode === "live", columns });
  const clock = new VirtualClock();
  const display = new Display({ stream, mode, clock });
  const written = (): string => (stream.read() ?? "").replaceAll("\u001B[?2026h", "").replaceAll("\u001B[?2026l", "");
  return { clock, display, stream, written };
}

const up = "\u001B[1A";
const erase = "\u001B[2K";
const toStart = "\u001B[G";

describe("on a terminal", () => {
  it("draws the lines in place, anew twice a second", async () => {
    const { clock, display, written } = on("live");
    let count = 0;
    display.show(() => ["first", `second ${++count}`]);
    expect(written()).toBe("first\nsecond 1\n");
    await clock.advance(500);
    const redrawn = written();
    expect(redrawn).toContain("second 2");
    expect(redrawn).not.toContain("first");
    expect(count).toBe(2);
    await clock.advance(5000);
    expect(count).toBe(12);
  });

  it("keeps one column free", () => {
    const { display, written } = on("live", 40);
    display.show((width) => ["x".repeat(width)]);
    expect(written()).toBe(`${"x".repeat(39)}\n`);
  });

  it("writes what stays above the live lines", () => {
    const { display, written } = on("live");
    display.show(() => ["live"]);
    written();
    display.say("This stays.");
    expect(written()).toBe(`${erase}${up}${erase}${toStart}This stays.\nlive\n`);
  });

  it("breaks what stays between words, and leaves a word that is too long to the terminal", () => {
    const { display, written } = on("live", 24);
    display.say(`  [1/9] ${inColour("good", "verified")}: A key that ACK accepts is there`);
    expect(stripVTControlCharacters(written())).toBe("  [1/9] verified: A key\n    that ACK accepts is\n    there\n");
    const path = `/runs/${"x".repeat(30)}`;
    display.say(`It goes to ${path}.`);
    expect(written()).toBe(`It goes to\n  ${path}.\n`);
  });

  it("leaves nothing behind when it is hidden, and draws no more", async () => {
    const { clock, display, written } = on("live");
    display.show(() => ["one", "two"]);
    written();
    display[Symbol.dispose]();
    expect(written()).toBe(`${erase}${up}${erase}${up}${erase}${toStart}`);
    await clock.advance(5000);
    display[Symbol.dispose]();
    expect(written()).toBe("");
  });

  it("hides no cursor, so that nothing has to bring it back", async () => {
    const { clock, display, written } = on("live");
    display.show(() => [`${clock.monotonicMs()}`]);
    await clock.advance(1000);
    display.hide();
    expect(written()).not.toContain("\u001B[?25");
  });

  it("takes away also what a terminal that became narrower has folded", async () => {
    const { clock, display, stream, written } = on("live", 80);
    display.show((width) => ["a".repeat(Math.min(width, 70)), "short"]);
    written();
    stream.columns = 30;
    await clock.advance(500);
    // 70 characters fold to 3 lines of 30: two more than were drawn.
    expect(written()).toBe(`${erase}${up}${erase}${up}${erase}${toStart}\u001B[2A\u001B[0J${"a".repeat(29)}\nshort\n`);
    stream.columns = 120;
    await clock.advance(500);
    expect(written()).not.toContain("\u001B[0J");
  });
});

it("says that it is interrupted as long as something is live, and how long that takes, also where it is narrow", async () => {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: true, columns: 36 });
  const clock = new VirtualClock();
  const interruption = new AbortController();
  const display = Display.on(stream, { quiet: false, environment: { TERM: "xterm", LANG: "C.UTF-8" }, clock, signal: interruption.signal });
  display.wait("Starting");
  expect(stream.read()).toContain("Starting, 0 s");
  interruption.abort();
  await clock.advance(3000);
  expect(stream.read()).toContain("Interrupted: giving back what…, 3 s");
  display.hide();
});

it("says nothing of an interruption when nothing is live", () => {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: true, columns: 80 });
  const interruption = new AbortController();
  const environment = { TERM: "xterm" };
  using display = Display.on(stream, { quiet: false, environment, clock: new VirtualClock(), signal: interruption.signal });
  display.wait("Starting");
  display.hide();
  stream.read();
  interruption.abort();
  expect(stream.read()).toBeNull();
});

it("writes nothing live elsewhere", async () => {
  const { clock, display, written } = on("lines");
  display.show(() => ["live"]);
  display.say("This stays.");
  await clock.advance(1000);
  display.hide();
  expect(written()).toBe("This stays.\n");
});

it("writes nothing at all where only the answer is wanted", async () => {
  const { clock, display, written } = on("silent");
  display.show(() => ["live"]);
  display.say("This stays.");
  await clock.advance(1000);
  display.hide();
  expect(written()).toBe("");
});

describe("a line of parts", () => {
  const parts = [
    { text: "important", rank: 0 },
    { text: "less so", rank: 2 },
    { text: "so-so", rank: 1 },
  ];

  it.each([
    [80, "important  less so  so-so"],
    [25, "important  less so  so-so"],
    [24, "important  so-so"],
    [15, "important"],
    [8, "importa…"],
  ])("has of %d columns the use that it can", (width, line) => {
    expect(fitted(parts, width, plainLook)).toBe(line);
  });

  it("is cut where even the most important do not fit", () => {
    const both = [
      { text: "write", rank: 0 },
      { text: "kms-v2, 50 secrets", rank: 0 },
    ];
    expect(fitted(both, 14, plainLook)).toBe("write  kms-v2…");
    expect(fitted(both, 6, plainLook)).toBe("write");
  });

  it("is measured without its colours", () => {
    expect(fitted([{ text: "12 failed", tone: "fault", rank: 0 }], 9, { ...plainLook, paint: inColour })).toContain("12 failed");
  });
});

it("cuts with ASCII where a terminal knows nothing else", () => {
  expect(cut("kms-v2", 5, plainLook)).toBe("kms-…");
  expect(cut("kms-v2", 5, ascii)).toBe("kms-~");
  expect(cut("kms-v2", 6, ascii)).toBe("kms-v2");
});
