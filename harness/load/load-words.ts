import { durationMsOf } from "../kms/fault-syntax.ts";
import { arrivals, type Load } from "../run/schema.ts";
import type { LoadPlan, RateShape } from "./load-plan.ts";
import { readRecordedTimes } from "./recorded-times.ts";
import { replayOf, spikeRate, stepRates } from "./schedule.ts";

/** The words of a command line that say how load is offered; undefined where one was not given. */
export interface LoadWords {
  /** `200`, `100..1000`, `100,200,400`. */
  readonly rate: string | undefined;
  readonly arrivals: string | undefined;
  /** A CSV file with recorded times. */
  readonly replay: string | undefined;
  /** `30s`. */
  readonly duration: string | undefined;
  readonly "in-flight": number | undefined;
  readonly "closed-loop": boolean | undefined;
}

const rateMax = 1_000_000;
const inFlightMax = 4096;
const durationMsMax = 24 * 3_600_000;

/**
 * The load that the words ask for; `preset` holds where they say nothing. What is wrong with them is added to `faults`, in words without a full stop, and
 * what is given back then means nothing. Throws UsageError `bad-recording`.
 */
export function readLoadWords(words: LoadWords, preset: Load, faults: string[]): LoadPlan {
  const inFlight = words["in-flight"] ?? (preset.model === "closed" ? preset.inFlight : preset.inFlightMax);
  if (!(Number.isSafeInteger(inFlight) && inFlight >= 1 && inFlight <= inFlightMax)) {
    faults.push(`--in-flight takes a whole number from 1 to ${inFlightMax}`);
  }
  const durationMs = words.duration === undefined ? undefined : durationMsOf(words.duration);
  if (words.duration !== undefined && !(durationMs !== undefined && durationMs > 0 && durationMs <= durationMsMax)) {
    faults.push(`--duration takes a time like 500ms, 30s or 10m, at most 24h, not "${words.duration}"`);
  }
  const length = durationMs === undefined ? {} : { durationMs };
  const speaksOfArrivals = words.rate !== undefined || words.arrivals !== undefined || words.replay !== undefined;
  if (words["closed-loop"] === true && speaksOfArrivals) {
    faults.push("--closed-loop sends when it is answered: --rate, --arrivals and --replay mean nothing to it");
  }
  if (words["closed-loop"] ?? (preset.model === "closed" && !speaksOfArrivals)) return { model: "closed", inFlight, ...length };
  const ratePreset = preset.model === "open" ? preset.ratePerSecond : 200;
  return { model: "open", inFlightMax: inFlight, ...length, ...readArrivals(words, ratePreset, faults) };
}

interface Arrivals {
  readonly arrivals: (typeof arrivals)[number];
  readonly ratePerSecond: number;
  readonly shape?: RateShape;
}

function readArrivals({ rate, arrivals: named, replay }: LoadWords, preset: number, faults: string[]): Arrivals {
  const nothing: Arrivals = { arrivals: "constant", ratePerSecond: preset };
  const kind = arrivals.find((each) => each === named);
  const fault = (text: string): Arrivals => {
    faults.push(text);
    return nothing;
  };
  if (named !== undefined && kind === undefined) return fault(`--arrivals takes one of ${arrivals.join(", ")}, not "${named}"`);
  if (replay !== undefined) {
    if (kind !== undefined && kind !== "replay") return fault(`--replay says when requests come: --arrivals ${kind} says otherwise`);
    if (rate !== undefined) return fault("--replay says when requests come: --rate means nothing to it");
    const recordedMs = readRecordedTimes(replay);
    const shape = { arrivals: "replay", recordedMs } as const;
    return { arrivals: "replay", ratePerSecond: replayOf({ ...shape, count: 0 }).ratePerSecond, shape };
  }
  if (kind === "replay") return fault("--arrivals replay takes the recorded times from --replay FILE");

  const text = rate ?? String(preset);
  const span = text.split("..");
  const rates = (span.length === 2 ? span : text.split(",")).map((word) => (word.trim() === "" ? Number.NaN : Number(word)));
  const form = span.length === 2 ? "span" : rates.length > 1 ? "list" : "single";
  if (!rates.every((each) => each > 0 && each <= rateMax)) {
    return fault(`--rate takes requests a second above 0, at most ${rateMax}: one (200), from..to (100..1000), or several (100,200,400)`);
  }
  const meant = kind ?? ({ single: "constant", span: "ramp", list: "step" } as const)[form];
  const [first = preset, second = preset] = rates;
  switch (meant) {
    case "constant":
    case "poisson":
      if (form !== "single") return fault(`--arrivals ${meant} takes a --rate that does not change, like 200`);
      return { arrivals: meant, ratePerSecond: first };
    case "ramp":
      if (form !== "span") return fault("--arrivals ramp takes a --rate from..to, like 100..1000");
      return {
        arrivals: meant,
        ratePerSecond: (first + second) / 2,
        shape: { arrivals: meant, fromPerSecond: first, toPerSecond: second },
      };
    case "spike": {
      if (form !== "span") return fault("--arrivals spike takes a --rate base..peak, like 100..1000");
      const shape = { arrivals: meant, basePerSecond: first, peakPerSecond: second } as const;
      return { arrivals: meant, ratePerSecond: spikeRate({ ...shape, count: 0 }).ratePerSecond, shape };
    }
    case "step": {
      if (form !== "list") return fault("--arrivals step takes several --rate, like 100,200,400");
      const shape = { arrivals: meant, ratesPerSecond: rates } as const;
      return { arrivals: meant, ratePerSecond: stepRates({ ...shape, count: 0 }).ratePerSecond, shape };
    }
  }
}
