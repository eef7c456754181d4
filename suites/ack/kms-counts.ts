import type { KmsCall } from "../../plugins/emulators/alibaba/ack-plugin.ts";

/** How often plugins called an operation of the KMS. */
export interface KmsCount {
  readonly action: string;
  readonly calls: number;
  /** Those of them that the KMS answered with an error. */
  readonly refused: number;
  /** Those that the plugins made by themselves. */
  readonly probes: number;
}

/** Adds up the calls of all plugins of a run, where they leave the plugin. */
export class KmsCounts {
  readonly #counts = new Map<string, { calls: number; refused: number; probes: number }>();

  add({ action, isRefused, isProbe }: KmsCall): void {
    const count = this.#counts.get(action) ?? { calls: 0, refused: 0, probes: 0 };
    count.calls++;
    if (isRefused) count.refused++;
    if (isProbe) count.probes++;
    this.#counts.set(action, count);
  }

  all(): KmsCount[] {
    return [...this.#counts].map(([action, count]) => ({ action, ...count }));
  }
}
