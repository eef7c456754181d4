import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Metrics } from "../../../harness/load/metrics.ts";
import type { CheckResult } from "../../../harness/run/schema.ts";
import { type Alteration, alteredSubject } from "../apiserver-altered.ts";
import type { ApiserverSubject } from "../apiserver-subject.ts";
import { openTestSubject, resultsOf } from "../apiserver-test-subject.ts";
import { apiserverChecks } from "../index.ts";

const checks = apiserverChecks.filter(({ id }) => /^apiserver\/(ec|rl)-/.test(id));

interface Mutant {
  readonly wrong: string;
  readonly alter: () => Alteration;
  readonly tells: RegExp;
}

/** What an API server can do wrong with a file that it must refuse. */
const refusals: readonly Mutant[] = [
  { wrong: "starts all the same", alter: () => ({ lastWords: () => undefined }), tells: /it started/ },
  { wrong: "ends for another reason", alter: () => ({ lastWords: () => "panic: no memory" }), tells: /no memory/ },
];

const reloads: Readonly<Record<string, readonly Mutant[]>> = {
  "rl-01-reload": [
    {
      wrong: "never looks at the file again",
      alter: () => ({ options: (options) => ({ ...options, automaticReload: false }) }),
      tells: /to 0$/,
    },
    { wrong: "counts no reload", alter: () => ({ metrics: without("automatic_reloads_total") }), tells: /to 0$/ },
    { wrong: "goes on naming the old file", alter: () => ({ metrics: without("last_config_info") }), tells: /last_config_info 0/ },
  ],
  "rl-02-wrong-file": [
    {
      wrong: "takes the wrong file for right",
      alter: () => ({ encryption: asIdentity }),
      tells: /successful reloads|stored by identity|to 0$/,
    },
    { wrong: "counts no failure", alter: () => ({ metrics: without("automatic_reloads_total") }), tells: /to 0$/ },
  ],
  "rl-03-unhealthy-plugin": [
    { wrong: "never asks the new plugin", alter: () => ({ calls: () => [] }), tells: /^0 Status calls/ },
    { wrong: "counts a success", alter: () => ({ metrics: asSuccesses }), tells: /0 failed and \d+ successful|successful/ },
  ],
  "rl-04-cold-caches": [
    { wrong: "makes a second seed", alter: () => ({ calls: twice("Encrypt") }), tells: /^2 Encrypt/ },
    {
      wrong: "keeps its DEKs",
      alter: () => ({ calls: (calls) => calls.filter(({ method }) => method !== "Decrypt") }),
      tells: /^0 Decrypt/,
    },
    {
      wrong: "asks for no Status",
      alter: () => ({ calls: (calls) => calls.filter(({ method }) => method !== "Status") }),
      tells: /^0 Status/,
    },
  ],
};

let subject: ApiserverSubject;
let honest: CheckResult[];
beforeAll(async () => {
  subject = await openTestSubject("embedded");
  honest = await resultsOf(checks, subject, { concurrency: 4 });
});
afterAll(() => subject[Symbol.asyncDispose]());

it("finds the model right", () => {
  expect(honest.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
  expect(honest).toHaveLength(checks.length);
});

describe.each(checks.map((check) => [check.id.slice("apiserver/".length), check] as const))("%s", (name, check) => {
  const mutants = name.startsWith("ec-") ? refusals : (reloads[name] ?? []);

  it("has an API server that it must find wrong", () => {
    expect(mutants.length).toBeGreaterThan(0);
  });

  it.each(mutants)("fails on one that $wrong", async ({ alter, tells }) => {
    const [result] = await resultsOf([check], alteredSubject(subject, alter()), { concurrency: 1 });
    expect(result).toMatchObject({ verdict: "fail", reason: null });
    expect(
      result?.evidence.some(({ received }) => tells.test(received)),
      JSON.stringify(result?.evidence),
    ).toBe(true);
  });
});

function without(name: string): (metrics: Metrics) => Metrics {
  return (metrics) => new Map([...metrics].filter(([series]) => !series.includes(name)));
}

/** The failures among the reloads, counted as successes. */
function asSuccesses(metrics: Metrics): Metrics {
  return new Map([...metrics].map(([series, value]) => [series.replace('status="failure"', 'status="success"'), value]));
}

function twice(method: string): NonNullable<Alteration["calls"]> {
  return (calls) => calls.flatMap((call) => (call.method === method ? [call, call] : [call]));
}

/** Reads a text, right or wrong, as a configuration that encrypts nothing. */
const asIdentity: NonNullable<Alteration["encryption"]> = (file) =>
  "text" in file ? { resources: [{ resources: ["secrets"], providers: [{ kind: "identity" }] }] } : file;
