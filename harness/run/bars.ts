import sparkly from "sparkly";
import type { Look } from "./look.ts";

/** Of the least and the most that are shown on a logarithmic scale: smaller differences are noise and look like it. */
const spanMin = 10;
const bars = "▁▂▃▄▅▆▇█";
const asciiBars = "_.-:=+*#";

/** A bar of so many characters, as full as the share; a share above 1 fills it. */
export function shareBar(share: number, length: number, { isUnicode }: Pick<Look, "isUnicode">): string {
  const full = Math.round(Math.min(1, share) * length);
  const [done, left] = isUnicode ? (["█", "░"] as const) : (["#", "."] as const);
  return done.repeat(full) + left.repeat(length - full);
}

/** Figures as bars one character wide, from 0 up; NaN is a gap. */
export function linearBars(figures: readonly number[], look: Pick<Look, "isUnicode">): string {
  return drawn(figures, 0, Math.max(1, ...numbers(figures)), look);
}

/** The same on a logarithmic scale, on which a tenth and a tenfold are as far away. */
export function logarithmicBars(figures: readonly number[], look: Pick<Look, "isUnicode">): string {
  const shown = figures.map((figure) => (figure > 0 ? Math.log10(figure) : Number.NaN));
  const least = Math.min(...numbers(shown));
  return drawn(shown, least, Math.max(least + Math.log10(spanMin), ...numbers(shown)), look);
}

function drawn(figures: readonly number[], minimum: number, maximum: number, { isUnicode }: Pick<Look, "isUnicode">): string {
  if (numbers(figures).length === 0) return " ".repeat(figures.length);
  const text = sparkly(figures, { minimum, maximum });
  return isUnicode ? text : text.replaceAll(/[▁-█]/g, (bar) => asciiBars[bars.indexOf(bar)] ?? " ");
}

function numbers(figures: readonly number[]): number[] {
  return figures.filter(Number.isFinite);
}
