import { TargetError } from "../errors.ts";
import type { Refusal, Target } from "./target.ts";

/** How kmsmark is called: from a checkout, which has sources, by npm. */
const kmsmark = import.meta.url.endsWith(".ts") ? "npm run kmsmark --" : "kmsmark";
const installCommand = `${kmsmark} install`;

/** What a target cannot start without, and the command that installs it. */
export function notInstalled(
  kind: "containers" | "processes",
  { kubernetesVersion, etcdVersion }: Parameters<Target["readiness"]>[0],
): Refusal {
  const what = kind === "containers" ? "the images of " : "";
  return {
    kind,
    reason: `${what}kube-apiserver ${kubernetesVersion} and etcd ${etcdVersion} are not installed`,
    remedy: `${installCommand} --kubernetes ${kubernetesVersion} --etcd ${etcdVersion}`,
  };
}

/** Whether kmsmark itself can bring about what is missing. */
export function isInstallable({ remedy }: Refusal): boolean {
  return remedy.startsWith(installCommand);
}

/** The refusal as an error, for whoever asked for this very target. */
export function refusedError({ kind, reason, remedy }: Refusal): TargetError {
  return new TargetError("target-not-ready", `The target ${kind} cannot be used: ${reason}.`, { hint: `This changes it: ${remedy}` });
}
