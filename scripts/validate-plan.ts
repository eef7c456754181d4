import { writeFile } from "node:fs/promises";
import { systemClock as clock } from "../harness/clock.ts";
import { Lease, sweepLeases } from "../harness/lease.ts";
import { group } from "../harness/plan/quantity.ts";
import { machineFacts } from "../harness/run/machine.ts";
import { defaultVersions, removeContainer } from "../harness/target/install/index.ts";
import { navigated } from "./doc-navigation.ts";
import { type Calibration, type Comparison, calibrate, holds, scenarios, whyNot } from "./plan-scenarios.ts";

/**
 * Compares what `kmsmark plan` predicts with real kube-apiservers and writes docs/plan-validation.md. Exit code 1 where a scenario does not agree.
 * Usage: node scripts/validate-plan.ts [--only ID,…] [--scale 0.1] [--dry]
 * `--scale` plays with fewer Secrets, for a try; `--dry` writes no document.
 */
const words = process.argv.slice(2);
const optionOf = (name: string) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
const only = optionOf("--only")?.split(",");
const scale = Number(optionOf("--scale") ?? 1);
const documentFile = "docs/plan-validation.md";

const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => interruption.abort(new Error("interrupted")));
await sweepLeases(removeContainer);
await using lease = Lease.take("validate-plan", removeContainer);
const stage = { lease, signal: interruption.signal };
const startMs = clock.monotonicMs();
const say = (text: string) => process.stdout.write(`${text}\n`);

const calibrations = new Map<string, Calibration>();
const rows: { readonly title: string; readonly comparisons: readonly Comparison[]; readonly fault: string | undefined }[] = [];
for (const scenario of scenarios.filter(({ id }) => only === undefined || only.includes(id))) {
  if (interruption.signal.aborted) break;
  try {
    const { kms, apiServers } = scenario;
    const subject = `KMS ${kms} and ${apiServers} API ${apiServers === 1 ? "server" : "servers"}`;
    let calibration = calibrations.get(subject);
    if (calibration === undefined) {
      calibration = await calibrate(stage, { kms, apiServers, scale });
      calibrations.set(subject, calibration);
      say(
        `Calibrated with ${subject}: ready after ${Math.round(calibration.serverStartMs)} ms, first list after ${Math.round(calibration.listStartMs)} ms, ${ownTime(calibration)}.`,
      );
    }
    const comparisons = await scenario.run({ stage, calibration, scale });
    rows.push({ title: scenario.title, comparisons, fault: undefined });
    for (const comparison of comparisons)
      say(
        `${holds(comparison) ? "  " : "✗ "}${scenario.id}: ${comparison.what}: predicted ${predictedWords(comparison)}, measured ${figure(comparison, comparison.measured)}`,
      );
  } catch (thrown) {
    rows.push({ title: scenario.title, comparisons: [], fault: whyNot(thrown) });
    say(`✗ ${scenario.id} could not be played: ${whyNot(thrown)}`);
  }
}

const all = rows.flatMap(({ comparisons }) => comparisons);
const wrong = all.filter((comparison) => !holds(comparison)).length + rows.filter(({ fault }) => fault !== undefined).length;
say(
  `${all.length - all.filter((comparison) => !holds(comparison)).length} of ${all.length} figures of ${rows.length} scenarios agree; ${((clock.monotonicMs() - startMs) / 60_000).toFixed(1)} min.`,
);
if (interruption.signal.aborted) {
  process.exitCode = 130;
} else {
  if (!words.includes("--dry")) await writeFile(documentFile, navigated(documentFile, document()));
  process.exitCode = wrong === 0 ? 0 : 1;
}

function document(): string {
  const machine = machineFacts();
  const agreeing = all.filter((comparison) => holds(comparison)).length;
  const calibrated = [...calibrations].map(
    ([subject, calibration]) =>
      `With ${subject} a start with nothing to decrypt takes ${Math.round(calibration.serverStartMs)} ms here, the first list begins after ${Math.round(calibration.listStartMs)} ms, and ${ownTime(calibration)}.`,
  );
  return `# The plan beside real kube-apiservers

What \`kmsmark plan\` predicts, beside what was measured on kube-apiserver ${defaultVersions.kubernetesVersion} with etcd ${defaultVersions.etcdVersion}. Made by \`node scripts/validate-plan.ts\` on
${new Date(clock.wallMs()).toISOString().slice(0, 10)}, ${machine.cpus} × ${machine.cpu}${scale === 1 ? "" : `, with ${scale} times the Secrets that the scenarios name`}.

A number of calls agrees where it is the predicted one, or within the range that the version's concurrency allows; a duration where it is within 20 %.
The prediction gets the KMS's latency as the tap saw it and the machine's own time for a start, which no plan can know. ${calibrated.join(" ")}

${agreeing} of ${all.length} figures agree.

| scenario | figure | predicted | measured | agrees |
| --- | --- | ---: | ---: | --- |
${rows.flatMap(rowLines).join("\n")}
`;
}

/** What the machine itself takes for more Secrets. */
function ownTime({ objectMs, callMs }: Calibration): string {
  return callMs > 0
    ? `a call of the KMS takes ${callMs.toFixed(1)} ms more than the tap sees`
    : `a Secret more takes ${(1000 * objectMs).toFixed(0)} µs`;
}

function rowLines({ title, comparisons, fault }: (typeof rows)[number]): string[] {
  if (fault !== undefined) return [`| ${title} | could not be played: ${fault.replaceAll("|", "\\|")} | | | **no** |`];
  return comparisons.map(
    (comparison, at) =>
      `| ${at === 0 ? title : ""} | ${comparison.what} | ${predictedWords(comparison)} | ${figure(comparison, comparison.measured)} | ${holds(comparison) ? "yes" : "**no**"} |`,
  );
}

function predictedWords(comparison: Comparison): string {
  const { min, max } = comparison.predicted;
  const [low, high] = [figure(comparison, min), figure(comparison, max)];
  return low === high ? low : `${low} to ${high}`;
}

function figure({ unit }: Pick<Comparison, "unit">, value: number): string {
  if (!Number.isFinite(value)) return "never";
  return unit === "calls" ? group(value) : `${(value / 1000).toFixed(2)} s`;
}
