import { describe, expect, it } from "vitest";
import { linearBars, logarithmicBars, shareBar } from "./bars.ts";

const unicode = { isUnicode: true };
const ascii = { isUnicode: false };

describe("the bar of a share", () => {
  it.each([
    [0, "░░░░░░░░░░", ".........."],
    [0.34, "███░░░░░░░", "###......."],
    [1, "██████████", "##########"],
    [1.5, "██████████", "##########"],
  ])("of %d is as full as that", (share, shown, shownInAscii) => {
    expect(shareBar(share, 10, unicode)).toBe(shown);
    expect(shareBar(share, 10, ascii)).toBe(shownInAscii);
  });
});

describe("linear bars", () => {
  it("grow with the figures, from 0", () => {
    expect(linearBars([0, 1, 2, 3, 4, 5, 6, 7, 8], unicode)).toBe("▁▁▂▃▄▅▆▇█");
    expect(linearBars([4, 8], unicode)).toBe("▄█");
  });

  it("of nothing lie at the bottom", () => {
    expect(linearBars([0, 0, 0], unicode)).toBe("▁▁▁");
  });

  it("have ASCII for terminals that know nothing else", () => {
    expect(linearBars([0, 1, 2, 3, 4, 5, 6, 7, 8], ascii)).toBe("__.-:=+*#");
  });
});

describe("logarithmic bars", () => {
  it("are as far apart for a tenfold, wherever it is", () => {
    expect(logarithmicBars([1, 10, 100], unicode)).toBe("▁▄█");
    expect(logarithmicBars([10, 100, 1000], unicode)).toBe("▁▄█");
  });

  it("do not show noise as if it were much", () => {
    expect(logarithmicBars([1, 1.05, 0.97, 1.02], unicode)).toBe("▁▁▁▁");
  });

  it("leave a gap where there is no figure", () => {
    expect(logarithmicBars([1, Number.NaN, 10], unicode)).toBe("▁ █");
    expect(logarithmicBars([Number.NaN, Number.NaN], unicode)).toBe("  ");
    expect(logarithmicBars([], unicode)).toBe("");
  });
});
