import { UsageError } from "../../harness/errors.ts";
import { type OwnOption, ownOption } from "./own-option.ts";

const perSecondMax = 100_000;

/** An option that takes numbers of KMS calls a second. */
export function quotaOption(
  name: string,
  { describe, default: preset }: { readonly describe: string; readonly default: string },
): OwnOption<readonly number[]> {
  return ownOption({
    name,
    describe: `${describe}; several with commas`,
    default: preset,
    parse(word) {
      const rates = word.split(",").map((part) => Number(part.trim()));
      if (rates.length > 0 && rates.every((rate) => rate > 0 && rate <= perSecondMax)) return rates;
      throw new UsageError("bad-bench-options", `--${name} takes numbers above 0, at most ${perSecondMax}, with commas between several.`);
    },
  });
}
