import type { HealthyPlugin } from "./healthy-plugin.ts";

/** One thing that a plugin author may get wrong. */
export interface Defect {
  readonly id: string;
  /** What the plugin does, as a sentence. */
  readonly does: string;
  /** The checks that have to find it; others may. */
  readonly caughtBy: readonly `plugin/${string}`[];
  /** Exchanges what is wrong in a plugin that was right. */
  spoil(plugin: HealthyPlugin): void;
}
