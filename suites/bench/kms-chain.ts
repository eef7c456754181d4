import { join } from "node:path";
import type { Clock } from "../../harness/clock.ts";
import type { Fault } from "../../harness/kms/fault.ts";
import { startTapWorker, type Tap } from "../../harness/kms/tap.ts";
import type { Lease } from "../../harness/lease.ts";
import { type BundledProvider, startPluginProcess } from "../../harness/plugin-process.ts";

/** What stands behind the KMS sockets of API servers: a tap for each, and behind them all the plugin. */
export interface KmsChain extends AsyncDisposable {
  /** In the order of the API servers, whose KMS calls are told apart by them. */
  readonly taps: readonly Tap[];
  /** The plugin's own socket, for calls that are not to be counted. */
  readonly pluginSocket: string;
  /** Makes the KMS answer every call so much later, milliseconds, from now on. */
  delay(ms: number): Promise<void>;
  /** Changes the key that the plugin encrypts with; undefined where that is not kmsmark's to do. */
  readonly rotateKey: (() => Promise<void>) | undefined;
}

export interface KmsChainOptions {
  /** Somebody's plugin; the bundled one is started, with a key of its own, where there is none. */
  readonly pluginSocket: string | undefined;
  /** The KMS behind the bundled one. */
  readonly bundledProvider: BundledProvider;
  /** As of {@link KmsChain.delay}, from the start; 0 where it is not given. */
  readonly kmsLatencyMs?: number;
  /** 1 where it is not given. */
  readonly apiServers?: number;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Distinguishes the sockets of several chains under one lease. */
let chains = 0;

/** Starts the taps, and the bundled plugin if nobody's is given. */
export async function startKmsChain(options: KmsChainOptions): Promise<KmsChain> {
  const { pluginSocket, bundledProvider: provider, lease, clock, signal, kmsLatencyMs = 0, apiServers = 1 } = options;
  const chain = chains++;
  await using started = new AsyncDisposableStack();
  const plugin = pluginSocket === undefined ? started.use(await startPluginProcess({ lease, clock, signal, provider })) : undefined;
  const upstream = pluginSocket ?? plugin?.socket ?? "";
  const taps: Tap[] = [];
  for (let server = 0; server < apiServers; server++) {
    const listen = join(lease.folder, `tap-${chain}-${server}.sock`);
    taps.push(started.use(await startTapWorker({ listen, upstream, faults: latencyFaults(kmsLatencyMs) })));
  }
  const held = started.move();
  return {
    taps,
    pluginSocket: upstream,
    rotateKey: plugin?.rotateKey,
    async delay(ms) {
      await Promise.all(taps.map((tap) => tap.setFaults(latencyFaults(ms))));
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function latencyFaults(ms: number): Fault[] {
  return ms === 0 ? [] : [{ name: `latency=${ms}ms`, action: { kind: "latency", latency: { shape: "constant", ms } } }];
}
