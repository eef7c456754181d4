import type { Benchmark } from "./benchmark.ts";
import { churn } from "./churn.ts";
import { codec } from "./codec.ts";
import { coldStart } from "./cold-start.ts";
import { lifecycle } from "./lifecycle.ts";
import { list } from "./list.ts";
import { outage } from "./outage.ts";
import { parallelList } from "./parallel-list.ts";
import { plugin } from "./plugin.ts";
import { pluginUnary } from "./plugin-unary.ts";
import { read } from "./read.ts";
import { rotation } from "./rotation.ts";
import { size } from "./size.ts";
import { storm } from "./storm.ts";
import { throttle } from "./throttle.ts";
import { v1VsV2 } from "./v1-vs-v2.ts";
import { write } from "./write.ts";

/** Every benchmark by its id. */
export const benchmarks: Readonly<Record<string, Benchmark>> = Object.fromEntries(
  [
    lifecycle,
    write,
    read,
    list,
    churn,
    v1VsV2,
    coldStart,
    rotation,
    throttle,
    outage,
    storm,
    size,
    parallelList,
    plugin,
    pluginUnary,
    codec,
  ].map((benchmark) => [benchmark.id, benchmark]),
);
