import type { Clock } from "../clock.ts";
import { InstallError, UsageError } from "../errors.ts";
import type { AttachedSettings } from "./attached.ts";
import type { EtcdSettings } from "./etcd-access.ts";
import { cacheFolder, install, type ReportProgress, type Way } from "./install/index.ts";
import { isInstallable, refusedError } from "./refusal.ts";
import type { Refusal, Target, TargetKind } from "./target.ts";

/** What a command was asked for. */
export interface TargetChoice {
  /** `auto`: the best one that is ready now. */
  readonly wanted: "auto" | TargetKind;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  /** Path of a kubeconfig, one of its contexts, and the etcd behind it: for `attached`, and for nothing else. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly attachedEtcd?: EtcdSettings | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where an installation says how far it is. */
  readonly progress: ReportProgress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What was chosen, and why nothing better. */
export interface ChosenTarget {
  readonly target: Target;
  /** The better ones, best first, with the reason of each. */
  readonly refused: readonly Refusal[];
  /** To be printed first: what was chosen, why not the better ones, and the one command that would get one. */
  readonly headline: string;
}

/** What choosing touches of the world; tests hand in their own. */
export interface ChoiceParts {
  /** Gives the target of a kind; each is loaded only when it is looked at. */
  load(kind: Exclude<TargetKind, "attached">, environment: TargetChoice["environment"]): Promise<Target>;
  attach(settings: AttachedSettings): Promise<Target>;
  install(choice: TargetChoice, from: "auto" | Way, signal: AbortSignal): Promise<void>;
}

/** From the truest to the one that always works. */
const preference = ["containers", "processes", "embedded"] as const;
/** `auto` pulls images that are not there, but not for longer than this: what is ready now is what it is asked for. */
const pullMsMax = 60_000;

const descriptions: Readonly<Record<TargetKind, string>> = {
  containers: "kube-apiserver and etcd in containers",
  processes: "kube-apiserver and etcd as processes",
  embedded: "a model of the API server inside kmsmark, not a real kube-apiserver",
  attached: "a control plane that was there before",
};

/**
 * Chooses a target. `auto` takes the first of containers, processes and embedded that is ready; containers also count as ready when their
 * images can be pulled within a minute. A target that was asked for by name is never replaced by another one; what `containers` and
 * `processes` lack is installed.
 * @throws UsageError `no-kubeconfig`; TargetError `target-not-ready`; InstallError; the signal's reason
 */
export async function chooseTarget(choice: TargetChoice, parts: ChoiceParts = systemParts): Promise<ChosenTarget> {
  if (choice.wanted === "auto") return await chooseBest(choice, parts);
  const target = await namedTarget(choice.wanted, choice, parts);
  return { target, refused: [], headline: headlineOf(target.kind, choice, []) };
}

async function chooseBest(choice: TargetChoice, parts: ChoiceParts): Promise<ChosenTarget> {
  const refused: Refusal[] = [];
  for (const kind of preference) {
    choice.signal.throwIfAborted();
    const target = await parts.load(kind, choice.environment);
    let refusal = await target.readiness(choice);
    if (refusal !== undefined && kind === "containers" && isInstallable(refusal)) refusal = await afterPull(target, refusal, choice, parts);
    if (refusal === undefined) return { target, refused, headline: headlineOf(kind, choice, refused) };
    refused.push(refusal);
  }
  const [last] = refused.slice(-1);
  throw last === undefined ? new Error("There are no targets to choose from.") : refusedError(last);
}

/** Undefined if pulling the images made the containers ready. */
async function afterPull(target: Target, refusal: Refusal, choice: TargetChoice, parts: ChoiceParts): Promise<Refusal | undefined> {
  const tooLong = new AbortController();
  using _timer = choice.clock.startTimer(pullMsMax, () =>
    tooLong.abort(new InstallError("pull-too-slow", `pulling took more than ${pullMsMax / 1000} s`)),
  );
  try {
    await parts.install(choice, "images", AbortSignal.any([choice.signal, tooLong.signal]));
    return await target.readiness(choice);
  } catch (thrown) {
    choice.signal.throwIfAborted();
    if (!(thrown instanceof InstallError)) throw thrown;
    return { ...refusal, reason: `${refusal.reason} and could not be pulled` };
  }
}

async function namedTarget(wanted: TargetKind, choice: TargetChoice, parts: ChoiceParts): Promise<Target> {
  if (wanted === "attached") {
    const { kubeconfig, context, attachedEtcd } = choice;
    if (kubeconfig !== undefined) return await parts.attach({ kubeconfig, context, etcd: attachedEtcd });
    throw new UsageError("no-kubeconfig", "The target attached needs to know which control plane.", {
      hint: "Give a kubeconfig with --kubeconfig.",
    });
  }
  const target = await parts.load(wanted, choice.environment);
  let refusal = await target.readiness(choice);
  if (refusal !== undefined && isInstallable(refusal)) {
    await parts.install(choice, "auto", choice.signal);
    refusal = await target.readiness(choice);
  }
  if (refusal !== undefined) throw refusedError(refusal);
  return target;
}

function headlineOf(kind: TargetKind, { kubernetesVersion }: TargetChoice, refused: readonly Refusal[]): string {
  const version = kind === "attached" || kind === "embedded" ? "" : ` ${kubernetesVersion}`;
  const chosen = `Target: ${kind}${version} – ${descriptions[kind]}.`;
  if (refused.length === 0) return chosen;
  const reasons = refused.map((refusal) => `${refusal.kind}: ${refusal.reason}`).join("; ");
  const remedy = refused.find(isInstallable)?.remedy ?? refused[0]?.remedy;
  return `${chosen} Not ${reasons}. To change that: ${remedy}`;
}

const systemParts: ChoiceParts = {
  async load(kind, environment) {
    if (kind === "containers") return (await import("./containers.ts")).containersTarget;
    if (kind === "processes") return (await import("./processes.ts")).processesTarget(environment);
    return (await import("./embedded.ts")).embeddedTarget;
  },
  attach: async (settings) => (await import("./attached.ts")).attachedTarget(settings),
  async install({ kubernetesVersion, etcdVersion, environment, progress, clock }, from, signal) {
    await install({
      kubernetesVersion,
      etcdVersion,
      from,
      cache: cacheFolder(environment),
      overrides: {},
      environment,
      signal,
      progress,
      clock,
    });
  },
};
