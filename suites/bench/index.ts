import type { Benchmark } from "./benchmark.ts";
import { coldStart } from "./cold-start.ts";
import { lifecycle } from "./lifecycle.ts";
import { outage } from "./outage.ts";
import { rotation } from "./rotation.ts";
import { storm } from "./storm.ts";
import { throttle } from "./throttle.ts";

/** Every benchmark by its id. */
export const benchmarks: Readonly<Record<string, Benchmark>> = { lifecycle, [coldStart.id]: coldStart, outage, rotation, storm, throttle };
