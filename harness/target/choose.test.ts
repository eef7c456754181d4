import { expect, test } from "vitest";
import { InstallError } from "../errors.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { type ChoiceParts, chooseTarget, type TargetChoice } from "./choose.ts";
import { notInstalled } from "./refusal.ts";
import type { Refusal, Target, TargetKind } from "./target.ts";

const versions = { kubernetesVersion: "v1.37.2", etcdVersion: "v3.7.3" };
const noEngine: Refusal = { kind: "containers", reason: "there is no Docker engine", remedy: "get docker" };
const noImages = notInstalled("containers", versions);
const noBinaries = notInstalled("processes", versions);

const choice = (wanted: TargetChoice["wanted"], more: Partial<TargetChoice> = {}): TargetChoice => ({
  ...versions,
  wanted,
  environment: {},
  progress: () => {},
  clock: new VirtualClock(),
  signal: new AbortController().signal,
  ...more,
});

/** Targets that refuse as told, until an installation that works. */
function partsWith(refusals: Partial<Record<TargetKind, Refusal>>, install: () => Promise<void> = async () => {}) {
  const left = { ...refusals };
  const installed: string[] = [];
  const target = (kind: TargetKind): Target => ({
    kind,
    readiness: async () => left[kind],
    start: () => Promise.reject(new Error("A choice starts nothing.")),
  });
  const parts: ChoiceParts = {
    load: async (kind) => target(kind),
    attach: async () => target("attached"),
    async install(_choice, from) {
      installed.push(from);
      await install();
      delete left.processes;
      if (left.containers?.remedy === noImages.remedy) delete left.containers;
    },
  };
  return { parts, installed };
}

test("auto takes containers that are ready and has nothing to explain", async () => {
  const { target, refused, headline } = await chooseTarget(choice("auto"), partsWith({}).parts);
  expect([target.kind, refused]).toEqual(["containers", []]);
  expect(headline).toBe("Target: containers v1.37.2 – kube-apiserver and etcd in containers.");
});

test("auto takes processes where no engine answers and says how to get containers", async () => {
  const { target, refused, headline } = await chooseTarget(choice("auto"), partsWith({ containers: noEngine }).parts);
  expect([target.kind, refused]).toEqual(["processes", [noEngine]]);
  expect(headline).toBe(
    "Target: processes v1.37.2 – kube-apiserver and etcd as processes. Not containers: there is no Docker engine. To change that: get docker",
  );
});

test("auto takes the model last, says that it is one, and names the one command that helps", async () => {
  const { parts, installed } = partsWith({ containers: noEngine, processes: noBinaries });
  const { target, headline } = await chooseTarget(choice("auto"), parts);
  expect([target.kind, installed]).toEqual(["embedded", []]);
  expect(headline).toBe(
    "Target: embedded – a model of the API server inside kmsmark, not a real kube-apiserver. Not containers: there is no Docker engine; " +
      "processes: kube-apiserver v1.37.2 and etcd v3.7.3 are not installed. " +
      `To change that: ${noBinaries.remedy}`,
  );
});

test("auto pulls images that an engine lacks, and nothing else", async () => {
  const { parts, installed } = partsWith({ containers: noImages, processes: noBinaries });
  const { target } = await chooseTarget(choice("auto"), parts);
  expect([target.kind, installed]).toEqual(["containers", ["images"]]);
});

test("auto goes on where the images cannot be pulled", async () => {
  const { parts } = partsWith({ containers: noImages }, () => Promise.reject(new InstallError("install-failed", "no registry")));
  const { target, refused } = await chooseTarget(choice("auto"), parts);
  expect([target.kind, refused[0]?.reason]).toEqual(["processes", `${noImages.reason} and could not be pulled`]);
});

test("auto does not wait longer than a minute for a pull", async () => {
  const clock = new VirtualClock();
  const { parts } = partsWith({ containers: noImages });
  const hanging: ChoiceParts = {
    ...parts,
    install: (_choice, _from, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  };
  const chosen = chooseTarget(choice("auto", { clock }), hanging);
  await clock.advance(59_999);
  await clock.advance(1);
  expect((await chosen).target.kind).toBe("processes");
});

test("a defect while pulling is not taken for a refusal", async () => {
  const { parts } = partsWith({ containers: noImages }, () => Promise.reject(new TypeError("defect")));
  await expect(chooseTarget(choice("auto"), parts)).rejects.toThrow(TypeError);
});

test("a target that is asked for is installed", async () => {
  const { parts, installed } = partsWith({ processes: noBinaries });
  const { target } = await chooseTarget(choice("processes"), parts);
  expect([target.kind, installed]).toEqual(["processes", ["auto"]]);
});

test("a target that is asked for is not replaced by another", async () => {
  const { parts, installed } = partsWith({ containers: noEngine });
  await expect(chooseTarget(choice("containers"), parts)).rejects.toMatchObject({
    code: "target-not-ready",
    message: "The target containers cannot be used: there is no Docker engine.",
    hint: "This changes it: get docker",
  });
  expect(installed).toEqual([]);
});

test("attached needs a kubeconfig", async () => {
  await expect(chooseTarget(choice("attached"), partsWith({}).parts)).rejects.toMatchObject({ code: "no-kubeconfig" });
});

test("attached is what it says", async () => {
  const { headline } = await chooseTarget(choice("attached", { kubeconfig: "k" }), partsWith({}).parts);
  expect(headline).toBe("Target: attached – a control plane that was there before.");
});

test("an interruption ends the choice", async () => {
  const reason = new Error("enough");
  await expect(chooseTarget(choice("auto", { signal: AbortSignal.abort(reason) }), partsWith({}).parts)).rejects.toBe(reason);
});
