import type { Clock } from "../../clock.ts";
import { InstallError } from "../../errors.ts";
import type { ReportProgress } from "./progress.ts";

/** The ways in the order in which `auto` tries them. */
export const ways = ["images", "release", "go"] as const;
export type Way = (typeof ways)[number];

export const componentNames = ["kube-apiserver", "etcd"] as const;
export type ComponentName = (typeof componentNames)[number];

/** One of the two programs that a control plane is made of. */
export interface Component {
  readonly name: ComponentName;
  /** With the leading `v`. */
  readonly version: string;
}

/** Other places than the official ones; what is absent is the official one. */
export interface Overrides {
  /** A registry that holds `kube-apiserver` and `etcd` as registry.k8s.io does: `mirror.example:5000/k8s`. */
  readonly mirror?: string | undefined;
  /** The whole name of an image, `example.org/kube-apiserver:patched`. */
  readonly kubeApiserverImage?: string | undefined;
  readonly etcdImage?: string | undefined;
  /** In place of `https://dl.k8s.io/release`. */
  readonly kubernetesUrl?: string | undefined;
  /** In place of `https://github.com/etcd-io/etcd/releases/download`. */
  readonly etcdUrl?: string | undefined;
}

/** What every way needs to know. */
export interface Job {
  readonly overrides: Overrides;
  readonly architecture: Architecture;
  /** Where `go`, GOPROXY and the proxies' variables are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly progress: ReportProgress;
  readonly clock: Clock;
}

/** One way of having a component's binary. */
export interface WayToInstall {
  /** Where exactly the binary comes from; two binaries of the same source are the same for kmsmark. */
  source(component: Component): string;
  /**
   * Puts the verified binary into the existing empty `folder`, under the component's name; it may use the folder for anything else too.
   * @throws WayFailed when the next way may do better
   */
  get(component: Component, folder: string): Promise<void>;
}

/** Why a way did not work, as a sentence without its full stop. */
export class WayFailed extends Error {
  constructor(reason: string) {
    super(reason.trim().replace(/\.$/, ""));
  }
}

const architectures = { x64: "amd64", arm64: "arm64", ppc64: "ppc64le", s390x: "s390x" } as const;
/** A processor as Go, and with it Kubernetes, calls it. */
export type Architecture = (typeof architectures)[keyof typeof architectures];

/**
 * The architecture of this machine.
 * @throws InstallError `unsupported-architecture`
 */
export function architectureOf(nodeArchitecture: string): Architecture {
  for (const [known, architecture] of Object.entries(architectures)) if (known === nodeArchitecture) return architecture;
  throw new InstallError("unsupported-architecture", `There is no kube-apiserver for the processor architecture ${nodeArchitecture}.`, {
    hint: "`--target embedded` runs everywhere.",
  });
}
