import { UsageError } from "../../harness/errors.ts";
import { type OwnOption, ownOption } from "./own-option.ts";

const units: Readonly<Record<string, number>> = { "": 1, B: 1, Ki: 1024, KiB: 1024, Mi: 1024 ** 2, MiB: 1024 ** 2 };

/** An option that takes whole numbers with commas between them; with `isBytes` also `16Ki` and `1Mi`. */
export function numbersOption({
  max,
  isBytes = false,
  ...facts
}: {
  readonly name: string;
  readonly describe: string;
  readonly default: string;
  readonly max: number;
  readonly isBytes?: boolean;
}): OwnOption<readonly number[]> {
  return ownOption({
    ...facts,
    parse(text) {
      const words = text.split(",").map((word) => word.trim());
      return words.map((word) => {
        const [, digits = "", unit = ""] = /^(\d+)\s*([A-Za-z]*)$/.exec(word) ?? [];
        const factor = isBytes ? units[unit] : unit === "" ? 1 : undefined;
        const value = factor === undefined || digits === "" ? Number.NaN : Number(digits) * factor;
        if (value >= 1 && value <= max) return value;
        const example = isBytes ? " (64, 16Ki, 1Mi)" : "";
        throw new UsageError(
          "bad-bench-options",
          `--${facts.name} takes whole numbers from 1 to ${max}${example} with commas between, not "${word}".`,
        );
      });
    },
  });
}
