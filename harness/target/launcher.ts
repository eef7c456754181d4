import type { Lease } from "../lease.ts";

/** The two programs that a real control plane is made of. */
export type Component = "etcd" | "kube-apiserver";

/** A component that was started and may have ended by itself meanwhile. */
export interface Running {
  /** Resolves, never rejects, when the component has ended: `exit code 1`, `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /** Stops watching it, so that this process can end while the component goes on. */
  letGo(): void;
  /** Asks it to end, forces it after {@link stopGraceMs}, and waits until it is gone. Harmless when it is. */
  stop(): Promise<void>;
  /** The last lines of what it printed, `Infinity` for all; empty where it printed nothing. */
  logTail(lines: number): Promise<string>;
}

export interface LaunchRequest {
  readonly component: Component;
  /** What tells it from others of its kind in {@link folder}. */
  readonly name: string;
  readonly flags: readonly string[];
  /** Where the component's own files lie. The paths in the flags are the same inside and outside of a container. */
  readonly folder: string;
  /** Folders elsewhere that the component has to reach, as KMS sockets may need. */
  readonly reaches: readonly string[];
  /** Everything that is started is written down here before or in the same tick. */
  readonly lease: Lease;
}

/** A way of running etcd and kube-apiserver; what both ways share is in real-control-plane.ts. */
export interface Launcher {
  readonly kind: "processes" | "containers";
  launch(request: LaunchRequest): Promise<Running>;
}

/** Milliseconds that a component has to end by itself. */
export const stopGraceMs = 10_000;
