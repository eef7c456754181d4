import type { Benchmark } from "./benchmark.ts";
import { churn } from "./churn.ts";
import { codec } from "./codec.ts";
import { lifecycle } from "./lifecycle.ts";
import { list } from "./list.ts";
import { parallelList } from "./parallel-list.ts";
import { plugin } from "./plugin.ts";
import { pluginUnary } from "./plugin-unary.ts";
import { read } from "./read.ts";
import { size } from "./size.ts";
import { v1VsV2 } from "./v1-vs-v2.ts";
import { write } from "./write.ts";

/** Every benchmark by its id. */
export const benchmarks: Readonly<Record<string, Benchmark>> = Object.fromEntries(
  [lifecycle, write, read, list, churn, v1VsV2, size, parallelList, plugin, pluginUnary, codec].map((benchmark) => [
    benchmark.id,
    benchmark,
  ]),
);
