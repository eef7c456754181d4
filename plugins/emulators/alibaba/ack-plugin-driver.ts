import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../../harness/clock.ts";
import type { ClusterDriver, ClusterKms, DrivenCluster } from "./ack-driver.ts";
import { startClusterPlugin } from "./ack-plugin.ts";

/**
 * A driver without control planes: enabling starts the plugin alone, on a socket `CLUSTER-N.sock` at which any API server can be pointed. An earlier
 * key's plugin goes on, so that what it encrypted stays readable.
 */
export class PluginDriver implements ClusterDriver {
  /** Of this user alone; it holds the sockets. */
  readonly folder: string;
  readonly #clock: Clock;
  readonly #plugins = new Map<string, AsyncDisposableStack>();
  #count = 0;

  private constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
  }

  static async open(clock: Clock): Promise<PluginDriver> {
    return new PluginDriver(await mkdtemp(join(tmpdir(), "kmsmark-ack-")), clock);
  }

  async create(cluster: DrivenCluster, kms: ClusterKms | undefined): Promise<void> {
    if (kms !== undefined) await this.enable(cluster, kms);
  }

  async enable(cluster: DrivenCluster, kms: ClusterKms): Promise<void> {
    const plugins = this.#plugins.get(cluster.clusterId) ?? new AsyncDisposableStack();
    this.#plugins.set(cluster.clusterId, plugins);
    const socket = join(this.folder, `${cluster.clusterId}-${++this.#count}.sock`);
    plugins.use(await startClusterPlugin({ kms, cluster, socket, clock: this.#clock }));
  }

  async disable(): Promise<void> {}

  async delete({ clusterId }: DrivenCluster): Promise<void> {
    const plugins = this.#plugins.get(clusterId);
    this.#plugins.delete(clusterId);
    await plugins?.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const plugins of this.#plugins.values()) await plugins.disposeAsync();
    this.#plugins.clear();
    await rm(this.folder, { recursive: true, force: true });
  }
}
