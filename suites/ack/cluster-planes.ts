import { join } from "node:path";
import type { Clock } from "../../harness/clock.ts";
import { messageOf, TargetError } from "../../harness/errors.ts";
import { connectKmsV2 } from "../../harness/kms/client.ts";
import type { KmsV2 } from "../../harness/kms/contract.ts";
import { startTapWorker, type Tap } from "../../harness/kms/tap.ts";
import type { Lease } from "../../harness/lease.ts";
import { SecretsClient } from "../../harness/load/api-client.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../../harness/target/encryption-configuration.ts";
import type { ControlPlane, Target } from "../../harness/target/target.ts";
import type { ClusterDriver, ClusterKms, DrivenCluster } from "../../plugins/emulators/alibaba/ack-driver.ts";
import { startClusterPlugin } from "../../plugins/emulators/alibaba/ack-plugin.ts";
import { type KmsCount, KmsCounts } from "./kms-counts.ts";

export interface ClusterPlanesOptions {
  readonly target: Target;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One plugin of a cluster with one key, and the tap before it. */
export interface KmsLink {
  /** Of the entry in the EncryptionConfiguration, and so in the prefix of every stored value. */
  readonly name: string;
  readonly keyId: string;
  readonly tap: Tap;
  /** Straight to the plugin, for calls that the tap shall not count. */
  readonly direct: KmsV2;
  readonly directCounts: { Encrypt: number; Decrypt: number };
}

/** What really runs as a cluster of the emulated ACK. */
export interface ClusterPlane {
  readonly plane: ControlPlane;
  readonly client: SecretsClient;
  /** The one that encrypts first, then those that only decrypt; while nothing is encrypted all of them do. */
  readonly links: readonly KmsLink[];
  readonly isEncrypting: boolean;
}

/** Calls of the plugins by who made them. */
export interface PluginTallies {
  readonly taps: { readonly Encrypt: number; readonly Decrypt: number };
  /** Past the taps, by this run's own checks. */
  readonly direct: { readonly Encrypt: number; readonly Decrypt: number };
}

interface Held extends ClusterPlane {
  links: KmsLink[];
  isEncrypting: boolean;
  readonly stack: AsyncDisposableStack;
}

/**
 * Drives real control planes for the emulated ACK: enabling starts the bundled plugin with credentials of the role, a tap before it, and the API
 * server anew with them in its EncryptionConfiguration.
 */
export class ClusterPlanes implements ClusterDriver, AsyncDisposable {
  readonly #options: ClusterPlanesOptions;
  readonly #planes = new Map<string, Held>();
  /** Of every cluster, those that are gone too. */
  readonly #counts = new KmsCounts();
  readonly #tallies = { taps: { Encrypt: 0, Decrypt: 0 }, direct: { Encrypt: 0, Decrypt: 0 } };
  #links = 0;
  /** Why the last change failed, in words; the cloud's own answer is only a state. */
  fault: string | undefined;

  constructor(options: ClusterPlanesOptions) {
    this.#options = options;
  }

  of(clusterId: string): ClusterPlane {
    const plane = this.#planes.get(clusterId);
    if (plane !== undefined) return plane;
    throw new TargetError("no-such-plane", `The cluster ${clusterId} has no control plane: ${this.fault ?? "it was never brought up"}.`);
  }

  get isEmpty(): boolean {
    return this.#planes.size === 0;
  }

  /** The calls that went from all plugins to the KMS. */
  counts(): KmsCount[] {
    return this.#counts.all();
  }

  /** What made the plugins of the clusters that are gone call the KMS. */
  pluginCounts(): PluginTallies {
    return this.#tallies;
  }

  create(cluster: DrivenCluster, kms: ClusterKms | undefined): Promise<void> {
    const { clusterId } = cluster;
    return this.#told(async () => {
      await using stack = new AsyncDisposableStack();
      const links = kms === undefined ? [] : [await this.#link(cluster, kms, stack)];
      const { target } = this.#options;
      const encryption = configurationOf(links, kms !== undefined);
      const plane = stack.use(await target.start({ ...this.#options, encryption, featureGates: {} }));
      const client = stack.use(new SecretsClient({ api: plane.api, connections: 8 }));
      this.#planes.set(clusterId, { plane, client, links, isEncrypting: kms !== undefined, stack: stack.move() });
    });
  }

  enable(cluster: DrivenCluster, kms: ClusterKms): Promise<void> {
    return this.#told(async () => {
      const held = this.#held(cluster.clusterId);
      const known = held.links.find(({ keyId }) => keyId === kms.keyId);
      const first = known ?? (await this.#link(cluster, kms, held.stack));
      held.links = [first, ...held.links.filter((link) => link !== first)];
      await this.#configure(held, true);
    });
  }

  disable({ clusterId }: DrivenCluster): Promise<void> {
    return this.#told(() => this.#configure(this.#held(clusterId), false));
  }

  delete({ clusterId }: DrivenCluster): Promise<void> {
    return this.#told(async () => {
      const held = this.#held(clusterId);
      await held.plane.stopApiServer();
      for (const { tap, directCounts } of held.links) {
        const { Encrypt, Decrypt } = await tap.counts();
        this.#tallies.taps.Encrypt += Encrypt.calls;
        this.#tallies.taps.Decrypt += Decrypt.calls;
        this.#tallies.direct.Encrypt += directCounts.Encrypt;
        this.#tallies.direct.Decrypt += directCounts.Decrypt;
      }
      await held.stack.disposeAsync();
      this.#planes.delete(clusterId);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [clusterId, { stack }] of this.#planes) {
      this.#planes.delete(clusterId);
      await stack.disposeAsync();
    }
  }

  #held(clusterId: string): Held {
    const held = this.#planes.get(clusterId);
    if (held === undefined) throw new TargetError("no-such-plane", `The cluster ${clusterId} has no control plane.`);
    return held;
  }

  async #configure(held: Held, isEncrypting: boolean): Promise<void> {
    await held.plane.stopApiServer();
    held.isEncrypting = isEncrypting;
    await held.plane.startApiServer({ encryption: configurationOf(held.links, isEncrypting) });
  }

  async #link(cluster: DrivenCluster, kms: ClusterKms, stack: AsyncDisposableStack): Promise<KmsLink> {
    const { lease, clock } = this.#options;
    const number = ++this.#links;
    const socket = join(lease.folder, `kms-${number}.sock`);
    const plugin = stack.use(await startClusterPlugin({ kms, cluster, socket, clock, onKmsCall: (call) => this.#counts.add(call) }));
    const tap = stack.use(await startTapWorker({ listen: join(lease.folder, `tap-${number}.sock`), upstream: plugin.socket }));
    const kmsClient = stack.use(connectKmsV2(plugin.socket));
    const directCounts = { Encrypt: 0, Decrypt: 0 };
    const direct: KmsV2 = {
      status: (options) => kmsClient.status(options),
      encrypt(request, options) {
        directCounts.Encrypt++;
        return kmsClient.encrypt(request, options);
      },
      decrypt(request, options) {
        directCounts.Decrypt++;
        return kmsClient.decrypt(request, options);
      },
    };
    return { name: `ack-${number}`, keyId: kms.keyId, tap, direct, directCounts };
  }

  async #told(change: () => Promise<void>): Promise<void> {
    try {
      await change();
      this.fault = undefined;
    } catch (thrown) {
      this.fault = messageOf(thrown);
      throw thrown;
    }
  }
}

/** `identity` comes last, so that what was stored before stays readable, or first while encryption is off. */
function configurationOf(links: readonly KmsLink[], isEncrypting: boolean): EncryptionConfiguration {
  const kms = links.map(({ name, tap }): ProviderConfiguration => ({ kind: "kms", apiVersion: "v2", name, socket: tap.socket }));
  const providers = isEncrypting ? [...kms, { kind: "identity" } as const] : [{ kind: "identity" } as const, ...kms];
  return { resources: [{ resources: ["secrets"], providers }] };
}
