import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readRun } from "../harness/run/read-run.ts";
import type { CheckResult, Result } from "../harness/run/schema.ts";
import { navigated } from "./doc-navigation.ts";
import { root } from "./steps.ts";

// node scripts/model-table.ts REAL MODEL: writes docs/model.md of two run folders of `kmsmark conform apiserver`, one on a real kube-apiserver and
// one on the embedded model. A verdict that differs is named first, and makes the exit code 1.
const [realFolder, modelFolder] = process.argv.slice(2);
if (realFolder === undefined || modelFolder === undefined) throw new Error("Name the run folders of the real server and of the model.");
const [real, model] = [await readRun(realFolder), await readRun(modelFolder)];
if (real.header.target === null || real.header.target.isModel || model.header.target?.isModel !== true) {
  throw new Error("The first run has to be one on a real kube-apiserver, the second one on the model.");
}

const rows = real.checks
  .map((check) => ({ check, other: model.checks.find(({ id }) => id === check.id) }))
  .sort((a, b) => a.check.id.localeCompare(b.check.id));
const differing = rows.filter(({ check, other }) => other?.verdict !== check.verdict);

const text = [
  "# The model beside kube-apiserver",
  [
    "The embedded target is a model of kube-apiserver, and so is what plans and predicts. This table is what that rests on: the same checks of `kmsmark conform apiserver`",
    `on kube-apiserver ${real.header.target.kubernetes} with etcd ${real.header.target.etcd} and on the model, made by \`node scripts/model-table.ts\` of two runs.`,
  ].join("\n"),
  `${rows.length - differing.length} of ${rows.length} verdicts are the same. The checks took ${minutes(real)} on kube-apiserver and ${minutes(model)} on the model, whose clock is virtual.`,
  ...(differing.length === 0 ? [] : ["## Where they differ", ...differing.map(({ check, other }) => difference(check, other))]),
  "## All checks",
  ["| check | invariants | kube-apiserver | model |", "| --- | --- | --- | --- |", ...rows.map(row)].join("\n"),
  "",
].join("\n\n");
const file = "docs/model.md";
await writeFile(join(root, file), navigated(file, text));
process.exitCode = differing.length === 0 ? 0 : 1;

function row({ check, other }: { readonly check: CheckResult; readonly other: CheckResult | undefined }): string {
  return `| \`${check.id}\` | ${check.invariants.join(", ")} | ${check.verdict} | ${other?.verdict ?? "not run"} |`;
}

function difference(check: CheckResult, other: CheckResult | undefined): string {
  return `- \`${check.id}\`: ${check.verdict} on kube-apiserver, ${other?.verdict ?? "not run"} on the model. ${other?.reason ?? check.reason ?? ""}`.trim();
}

function minutes({ durationMs }: Result): string {
  return durationMs < 90_000 ? `${Math.round(durationMs / 1000)} s` : `${(durationMs / 60_000).toFixed(1)} min`;
}
