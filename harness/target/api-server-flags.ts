import { type EncryptionFile, providersIn } from "./encryption-configuration.ts";

/** What kube-apiserver is told, whether it runs as a process or in a container. All files are absolute paths. */
export interface ApiServerSettings {
  readonly port: number;
  readonly etcdUrl: string;
  /** The authority of both servers' certificates. */
  readonly caFile: string;
  /** Shown to clients of the API and, as a client, to etcd. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Signs and verifies the tokens of service accounts. */
  readonly serviceAccountKeyFile: string;
  /** Lines of `token,user,uid,"groups"`. */
  readonly tokenFile: string;
  /** Scratch folder of the server itself. */
  readonly scratchFolder: string;
  /** What {@link encryptionFile} holds; undefined if the server is told of no encryption. */
  readonly encryption: EncryptionFile | undefined;
  /** Whether it notices when {@link encryptionFile} changes. */
  readonly automaticReload: boolean;
  readonly encryptionFile: string;
  readonly featureGates: Readonly<Record<string, boolean>>;
  /** Resources without a watch cache. */
  readonly uncached: readonly string[];
}

/**
 * Renders kube-apiserver's command line. What is not named here keeps its default, because that is what is measured.
 * Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
 */
export function apiServerFlags(settings: ApiServerSettings): string[] {
  const gates = Object.entries(featureGatesOf(settings)).map(([name, isOn]) => `${name}=${isOn}`);
  return [
    `--etcd-servers=${settings.etcdUrl}`,
    `--etcd-cafile=${settings.caFile}`,
    `--etcd-certfile=${settings.certificateFile}`,
    `--etcd-keyfile=${settings.keyFile}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${settings.port}`,
    // Without these two it looks for an address of the machine that others can reach, and does not start where there is none.
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    `--tls-cert-file=${settings.certificateFile}`,
    `--tls-private-key-file=${settings.keyFile}`,
    `--cert-dir=${settings.scratchFolder}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${settings.serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${settings.serviceAccountKeyFile}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    "--authorization-mode=RBAC",
    `--token-auth-file=${settings.tokenFile}`,
    // Pods would wait for a service account that no controller makes here.
    "--disable-admission-plugins=ServiceAccount",
    ...(settings.encryption === undefined ? [] : [`--encryption-provider-config=${settings.encryptionFile}`]),
    ...(settings.automaticReload ? ["--encryption-provider-config-automatic-reload=true"] : []),
    // The only size that means anything is 0, which turns the cache of the resource off.
    ...(settings.uncached.length === 0 ? [] : [`--watch-cache-sizes=${settings.uncached.map((resource) => `${resource}#0`).join(",")}`]),
    ...(gates.length === 0 ? [] : [`--feature-gates=${gates.join(",")}`]),
  ];
}

/** KMS v1 is off by default since v1.29 and has to be asked for (KEP-3299; spec encryption-at-rest 1.7). */
function featureGatesOf({ encryption, featureGates }: ApiServerSettings): Readonly<Record<string, boolean>> {
  const usesKmsV1 = providersIn(encryption).some((provider) => provider.kind === "kms" && provider.apiVersion === "v1");
  return usesKmsV1 ? { KMSv1: true, ...featureGates } : featureGates;
}
