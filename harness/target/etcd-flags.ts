/** What one etcd member on loopback is told, whether it runs as a process or in a container. */
export interface EtcdSettings {
  /** The client port; clients speak TLS and show a certificate. */
  readonly port: number;
  readonly dataFolder: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/**
 * Renders etcd's command line. What concerns durability and size keeps etcd's defaults, because that is what is measured.
 * Source: https://etcd.io/docs/v3.6/op-guide/configuration/
 */
export function etcdFlags(settings: EtcdSettings): string[] {
  const clientUrl = `https://127.0.0.1:${settings.port}`;
  // A cluster of one has no peers: the system picks the port that etcd insists on listening on, and nobody is told a true one.
  const peerUrl = "http://127.0.0.1:2380";
  return [
    "--name=kmsmark",
    `--data-dir=${settings.dataFolder}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    "--listen-peer-urls=http://127.0.0.1:0",
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=kmsmark=${peerUrl}`,
    "--client-cert-auth=true",
    `--trusted-ca-file=${settings.caFile}`,
    `--cert-file=${settings.certificateFile}`,
    `--key-file=${settings.keyFile}`,
    "--log-level=warn",
  ];
}
