import { join } from "node:path";
import type { Clock } from "../../harness/clock.ts";
import { startTapWorker, type Tap } from "../../harness/kms/tap.ts";
import type { Lease } from "../../harness/lease.ts";
import { type BundledProvider, startPluginProcess } from "../../harness/plugin-process.ts";

/** What stands behind an API server's KMS socket: the tap, and behind it the plugin. */
export interface KmsChain extends AsyncDisposable {
  /** The tap's socket, for the API server. */
  readonly socket: string;
  /** The plugin's own socket, for calls that are not to be counted. */
  readonly pluginSocket: string;
  readonly tap: Tap;
}

export interface KmsChainOptions {
  /** Somebody's plugin; the bundled one is started, with a key of its own, where there is none. */
  readonly pluginSocket: string | undefined;
  /** The KMS behind the bundled one. */
  readonly bundledProvider: BundledProvider;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Starts the tap, and the bundled plugin if nobody's is given. */
export async function startKmsChain({ pluginSocket, bundledProvider: provider, lease, clock, signal }: KmsChainOptions): Promise<KmsChain> {
  await using started = new AsyncDisposableStack();
  const upstream = pluginSocket ?? started.use(await startPluginProcess({ lease, clock, signal, provider })).socket;
  const tap = started.use(await startTapWorker({ listen: join(lease.folder, "tap.sock"), upstream }));
  const held = started.move();
  return { socket: tap.socket, pluginSocket: upstream, tap, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
