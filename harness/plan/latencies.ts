import { drawLatencyMs } from "../kms/fault.ts";
import { Random } from "../random.ts";
import type { Plan } from "../run/plan-schema.ts";
import { behaviourOf } from "./behaviour.ts";
import { type Fleet, objectsOf } from "./fleet.ts";
import { spread } from "./starts.ts";

const seeds = 10;
const drawsPerSeed = 4000;

/** How long writes and reads wait for the KMS, while the quota leaves room. */
export function latenciesOf(fleet: Fleet, seed: string): Plan["latencies"] {
  const drawn = Array.from({ length: seeds }, (_, at) => {
    const random = new Random(`${seed}/latency ${at}`);
    return Array.from({ length: drawsPerSeed }, () => drawLatencyMs(fleet.kmsLatency, random)).sort((a, b) => a - b);
  });
  const waits = {
    p50: spread(drawn.map((values) => values[Math.floor(drawsPerSeed * 0.5)])),
    p99: spread(drawn.map((values) => values[Math.floor(drawsPerSeed * 0.99)])),
  };
  const none = { p50: spread([0]), p99: spread([0]) };
  const { kms, cachesize } = fleet;
  const missing = kms === "v2" ? 0 : cachesize < 0 ? 1 : Math.max(0, 1 - cachesize / objectsOf(fleet));
  const lists = behaviourOf(fleet.kubernetes).listsFromCache ? 0 : missing;
  return [
    { operation: "write", share: kms === "v1" ? 1 : 0, ...(kms === "v1" ? waits : none) },
    { operation: "read of one Secret", share: missing, ...(missing > 0 ? waits : none) },
    { operation: "read whose DEK is in no cache", share: 1, ...waits },
    { operation: "list", share: lists, ...(lists > 0 ? waits : none) },
  ];
}
