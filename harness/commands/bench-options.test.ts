import { describe, expect, it } from "vitest";
import { benchDefaults } from "../../suites/bench/benchmark.ts";
import { benchmarks } from "../../suites/bench/index.ts";
import { UsageError } from "../errors.ts";
import { localProvider } from "../plugin-process.ts";
import { defaultVersions } from "../target/install/index.ts";
import { type BenchWords, ownOptions, parseBenchWords } from "./bench-options.ts";

const nothing: BenchWords = {
  suite: ["lifecycle"],
  secrets: undefined,
  providers: undefined,
  rate: undefined,
  arrivals: undefined,
  replay: undefined,
  duration: undefined,
  "in-flight": undefined,
  "closed-loop": undefined,
  rounds: undefined,
  "kms-latency": undefined,
  "api-servers": undefined,
  cachesize: undefined,
  socket: undefined,
  kubernetes: defaultVersions.kubernetesVersion,
  etcd: defaultVersions.etcdVersion,
  "feature-gates": "",
  seed: undefined,
  out: undefined,
};

const parse = (words: Partial<BenchWords>, own: Record<string, string> = {}) =>
  parseBenchWords({ ...nothing, ...words }, localProvider, own).suites.map(({ options }) => options);

function refusal(words: Partial<BenchWords>, own: Record<string, string> = {}): string {
  try {
    parse(words, own);
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown.message;
    throw thrown;
  }
  return "";
}

describe("what is not given", () => {
  it("is as the benchmark has it, and as all have it otherwise", () => {
    const [lifecycle, write] = parse({ suite: ["lifecycle", "write"] });
    expect(lifecycle).toMatchObject(benchDefaults);
    expect(write).toMatchObject({ ...benchDefaults, ...benchmarks["write"]?.defaults });
    expect(write?.rounds).toBe(5);
  });

  it("gives way to what is given, in every benchmark", () => {
    const chosen = parse({ suite: ["lifecycle", "write"], secrets: "7,9", rounds: 2, "kms-latency": "0,1.5,40", "api-servers": 3 });
    for (const options of chosen) {
      expect(options).toMatchObject({ secrets: [7, 9], rounds: 2, kmsLatenciesMs: [0, 1.5, 40], apiServers: 3 });
    }
  });

  it("leaves the rest of a load as it was", () => {
    expect(parse({ suite: ["write"], "in-flight": 5 })[0]?.load).toEqual({
      model: "open",
      arrivals: "constant",
      ratePerSecond: 100,
      inFlightMax: 5,
    });
    expect(parse({ suite: ["write"], "closed-loop": true, "in-flight": 5 })[0]?.load).toEqual({ model: "closed", inFlight: 5 });
  });
});

describe("what cannot be", () => {
  it.each<[Partial<BenchWords>, string]>([
    [{ rounds: 0 }, "--rounds takes a whole number from 1 to 1000."],
    [{ "api-servers": 10 }, "--api-servers takes a whole number from 1 to 9."],
    [{ "kms-latency": "10ms" }, "--kms-latency takes milliseconds from 0 to 60000, with commas between several."],
    [{ "kms-latency": "-1" }, "--kms-latency takes milliseconds from 0 to 60000, with commas between several."],
    [{ "kms-latency": "" }, "--kms-latency takes milliseconds from 0 to 60000, with commas between several."],
  ])("%j", (words, sentence) => {
    expect(refusal(words)).toBe(sentence);
  });

  it("an option that no chosen benchmark knows", () => {
    expect(refusal({ suite: ["list"], rate: "10" })).toBe("--rate means nothing to the benchmark list.");
    expect(refusal({ suite: ["list", "parallel-list"], rate: "10" })).toBe("--rate means nothing to the benchmarks list, parallel-list.");
    expect(refusal({ suite: ["list", "write"], rate: "10" })).toBe("");
    expect(refusal({ suite: ["write"] }, { sizes: "64" })).toBe("--sizes means nothing to the benchmark write.");
  });

  it.each([
    ["sizes", "size", "64,", '--sizes takes whole numbers from 1 to 1048576 (64, 16Ki, 1Mi) with commas between, not "".'],
    ["sizes", "size", "2Mi", '--sizes takes whole numbers from 1 to 1048576 (64, 16Ki, 1Mi) with commas between, not "2Mi".'],
    ["sizes", "size", "1Gi", '--sizes takes whole numbers from 1 to 1048576 (64, 16Ki, 1Mi) with commas between, not "1Gi".'],
    ["parallel", "parallel-list", "8Ki", '--parallel takes whole numbers from 1 to 512 with commas between, not "8Ki".'],
    ["watchers", "churn", "0", '--watchers takes whole numbers from 1 to 1000 with commas between, not "0".'],
  ])("--%s of the benchmark %s: %j", (name, suite, word, sentence) => {
    expect(refusal({ suite: [suite] }, { [name]: word })).toBe(sentence);
  });
});

describe("options of single benchmarks", () => {
  it("have names that nobody else has, and defaults that they take themselves", () => {
    const names = ownOptions.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => name in nothing)).toEqual([]);
    for (const option of ownOptions) expect(() => option.parse(option.default)).not.toThrow();
  });

  it("are one and the same object where several benchmarks have them", () => {
    for (const { own = [] } of Object.values(benchmarks)) expect(own.filter((option) => !ownOptions.includes(option))).toEqual([]);
  });
});
