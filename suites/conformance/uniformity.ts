/** How far random-looking byte strings are from uniform, in standard deviations of what chance would do. */
export interface Uniformity {
  /** The bit position whose number of ones is farthest from a half. */
  readonly bit: number;
  /** The numbers of the 256 byte values, taken together. */
  readonly byteValues: number;
  /** The bit position that changes from one string to the next in farthest from a half of the cases. */
  readonly change: number;
}

/**
 * Beyond this chance is not to blame: one string of bytes in a hundred million would be judged wrongly (two-sided normal tail, 512 bits).
 */
export const deviationMax = 7;
/** With fewer the approximations do not hold. */
export const stringsMin = 100;

/**
 * Three simple tests of strings of one length, in the order in which they were drawn, where that is known: of single bits, of byte values,
 * and of what changes from one string to the next, which a counter or a constant step does not pass.
 * @throws RangeError for fewer than `stringsMin`, and for strings of different lengths.
 */
export function uniformityOf(strings: readonly Uint8Array[]): Uniformity {
  const [first] = strings;
  if (first === undefined || strings.length < stringsMin) throw new RangeError(`${strings.length} strings are too few to judge.`);
  if (strings.some(({ length }) => length !== first.length)) throw new RangeError("The strings are not of one length.");
  return {
    bit: farthestBit(strings.length, first.length, (index, at) => strings[index]?.[at] ?? 0),
    byteValues: byteValues(strings),
    change: farthestBit(strings.length - 1, first.length, (index, at) => (strings[index]?.[at] ?? 0) ^ (strings[index + 1]?.[at] ?? 0)),
  };
}

/** Each bit is a coin that was tossed as often as there are strings. */
function farthestBit(count: number, length: number, byteAt: (index: number, at: number) => number): number {
  const ones = new Float64Array(length * 8);
  for (let index = 0; index < count; index++) {
    for (let at = 0; at < length; at++) {
      const byte = byteAt(index, at);
      for (let bit = 0; bit < 8; bit++) ones[at * 8 + bit] = (ones[at * 8 + bit] ?? 0) + ((byte >> bit) & 1);
    }
  }
  return ones.reduce((farthest, number) => Math.max(farthest, Math.abs(number - count / 2) / (Math.sqrt(count) / 2)), 0);
}

/** Pearson's chi-squared, made normal by the cube root (Wilson and Hilferty, 1931). */
function byteValues(strings: readonly Uint8Array[]): number {
  const seen = new Float64Array(256);
  let total = 0;
  for (const string of strings) {
    for (const byte of string) seen[byte] = (seen[byte] ?? 0) + 1;
    total += string.length;
  }
  const expected = total / 256;
  const freedom = 255;
  const chiSquared = seen.reduce((sum, number) => sum + (number - expected) ** 2 / expected, 0);
  const variance = 2 / (9 * freedom);
  return Math.abs((Math.cbrt(chiSquared / freedom) - (1 - variance)) / Math.sqrt(variance));
}
