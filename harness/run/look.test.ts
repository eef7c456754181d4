import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { type Environment, lookOf, type OutputStream, type ProgressMode, progressMode } from "./look.ts";

const pipe = new PassThrough();
const terminal: OutputStream = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
const xterm = { TERM: "xterm-256color", LANG: "en_US.UTF-8" };

describe("progressMode", () => {
  it.each<[string, ProgressMode, OutputStream, Environment]>([
    ["a terminal", "live", terminal, xterm],
    ["a terminal without colours", "live", terminal, { ...xterm, NO_COLOR: "1" }],
    ["a terminal that cannot move its cursor", "lines", terminal, { TERM: "dumb" }],
    ["a terminal in CI", "lines", terminal, { ...xterm, CI: "true" }],
    ["a terminal that is said to be in no CI", "live", terminal, { ...xterm, CI: "false" }],
    ["a terminal without a size", "lines", Object.assign(new PassThrough(), { isTTY: true, columns: 0 }), xterm],
    ["a pipe", "lines", pipe, xterm],
  ])("of %s is %s", (_, mode, stream, environment) => {
    expect(progressMode(stream, { quiet: false, environment })).toBe(mode);
    expect(progressMode(stream, { quiet: true, environment })).toBe("silent");
  });
});

describe("colours", () => {
  it.each<[string, boolean, OutputStream, Environment]>([
    ["on a terminal", true, terminal, xterm],
    ["on a terminal with NO_COLOR", false, terminal, { ...xterm, NO_COLOR: "1" }],
    ["on a terminal with FORCE_COLOR=0", false, terminal, { ...xterm, FORCE_COLOR: "0" }],
    ["on a dumb terminal", false, terminal, { TERM: "dumb" }],
    ["on a terminal in CI", false, terminal, { ...xterm, CI: "true" }],
    ["in a pipe", false, pipe, xterm],
    ["in a pipe with FORCE_COLOR", true, pipe, { ...xterm, FORCE_COLOR: "1" }],
    ["in a pipe with FORCE_COLOR=0", false, pipe, { ...xterm, FORCE_COLOR: "0" }],
  ])("%s: %s", (_, hasColours, stream, environment) => {
    const painted = lookOf(stream, environment).paint("fault", "FAIL");
    expect(painted).toBe(hasColours ? "\u001B[1m\u001B[31mFAIL\u001B[39m\u001B[22m" : "FAIL");
  });
});

describe("characters beyond ASCII", () => {
  it.each<[boolean, Environment]>([
    [true, { LANG: "C.UTF-8" }],
    [true, { LANG: "de_DE.utf8" }],
    [false, { LANG: "C" }],
    [false, { LANG: "en_US.ISO-8859-1" }],
    [false, {}],
    [false, { LANG: "C.UTF-8", LC_ALL: "C" }],
    [true, { LANG: "C", LC_ALL: "", LC_CTYPE: "C.UTF-8" }],
  ])("%s under %o", (isUnicode, environment) => {
    expect(lookOf(terminal, environment).isUnicode).toBe(isUnicode);
  });
});
