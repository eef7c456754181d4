import type { PhaseName } from "../../harness/run/schema.ts";
import type { ControlPlane } from "../../harness/target/target.ts";
import type { Bench } from "./benchmark.ts";
import type { CellOrigin } from "./cell.ts";
import { type KmsChain, startKmsChain } from "./kms-chain.ts";
import { PhaseMeter } from "./phase-meter.ts";
import { configurationForEach, kmsVersionOf } from "./provider-configuration.ts";

/** A control plane whose Secrets one provider encrypts, and what measures it. Disposing of it stops what was started for it. */
export interface BenchPlane extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly meter: PhaseMeter;
  /** Undefined for a provider without a KMS, and on a control plane that kmsmark did not start. */
  readonly chain: KmsChain | undefined;
  /** Undefined where somebody else configured the control plane. */
  readonly configured: ReturnType<typeof configurationForEach> | undefined;
}

export interface BenchPlaneOptions {
  readonly kmsLatencyMs?: number;
  /** Measures the start as a phase of this name; otherwise it belongs to no phase, and the meter counts from its end. */
  readonly startPhase?: PhaseName | undefined;
  /** Whether the API servers do without their watch caches of Secrets. */
  readonly isUncached?: boolean;
}

/** Starts as many API servers as the options say on one store, a tap before the KMS for each; or attaches to a control plane that is there. */
export async function startBenchPlane(
  bench: Bench,
  origin: CellOrigin,
  { kmsLatencyMs = 0, startPhase, isUncached = false }: BenchPlaneOptions = {},
): Promise<BenchPlane> {
  const { options, target, journal } = bench;
  const { provider } = origin;
  const { cacheSize } = options;
  const isOurs = target.kind !== "attached";
  await using started = new AsyncDisposableStack();
  const needsKms = isOurs && kmsVersionOf(provider) !== undefined;
  const chain = needsKms ? started.use(await startKmsChain({ ...options, ...bench, kmsLatencyMs })) : undefined;
  const configured = isOurs
    ? configurationForEach(provider, { kmsSockets: chain?.taps.map(({ socket }) => socket) ?? [], cacheSize })
    : undefined;
  const meter = started.use(new PhaseMeter(bench, origin, chain?.taps ?? []));
  const start = async () =>
    started.use(await target.start({ ...options, ...bench, encryption: configured?.encryption, uncached: isUncached ? ["secrets"] : [] }));
  const plane = startPhase === undefined ? await start() : await meter.start(startPhase, start);
  if (startPhase === undefined) await meter.attach(plane.apis);
  const held = started.move();
  return {
    plane,
    meter,
    chain,
    configured,
    async [Symbol.asyncDispose]() {
      for (const tap of chain?.taps ?? []) {
        for (const problem of await tap.problems()) journal.append({ event: "note", text: `The tap: ${problem}` });
      }
      await held.disposeAsync();
    },
  };
}
