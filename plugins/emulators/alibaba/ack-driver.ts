/** How the plugin of a cluster reaches the KMS. */
export interface ClusterKms {
  readonly keyId: string;
  readonly region: string;
  /** `http://127.0.0.1:PORT` of the emulated cloud. */
  readonly endpoint: string;
  /** Answers with fresh credentials of the cluster's role, for as long as the cluster is there. */
  readonly credentialsUri: string;
}

export interface DrivenCluster {
  readonly clusterId: string;
  readonly name: string;
}

/** What really happens when the emulated ACK changes a control plane. A call that fails leaves the cluster in the state `failed`. */
export interface ClusterDriver extends Partial<AsyncDisposable> {
  /** Brings a control plane up, with encrypted Secrets where there is a key. */
  create(cluster: DrivenCluster, kms: ClusterKms | undefined): Promise<void>;
  /** From now on the key encrypts; what other keys encrypted stays readable. */
  enable(cluster: DrivenCluster, kms: ClusterKms): Promise<void>;
  /** From now on Secrets are stored in plaintext; what is encrypted stays readable. */
  disable(cluster: DrivenCluster): Promise<void>;
  delete(cluster: DrivenCluster): Promise<void>;
}
