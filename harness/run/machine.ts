import { cpus, release, totalmem, type } from "node:os";
import type { Clock } from "../clock.ts";
import type { Header } from "./schema.ts";

/** What the run's machine is, as the system says it. */
export function machineFacts(): Header["machine"] {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cpus: processors.length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${process.arch}`,
    node: process.version,
  };
}

/** The smallest step between two readings of a clock, in nanoseconds; 0 where it stood still for all of `readings`. */
export function clockResolutionNs(clock: Clock, readings = 20_000): number {
  let smallestMs = Number.POSITIVE_INFINITY;
  let lastMs = clock.monotonicMs();
  for (let reading = 0; reading < readings; reading++) {
    const nowMs = clock.monotonicMs();
    if (nowMs > lastMs) smallestMs = Math.min(smallestMs, nowMs - lastMs);
    lastMs = nowMs;
  }
  return Number.isFinite(smallestMs) ? Math.round(smallestMs * 1e6) : 0;
}
