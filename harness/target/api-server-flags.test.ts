import { expect, test } from "vitest";
import { type ApiServerSettings, apiServerFlags } from "./api-server-flags.ts";
import type { ProviderConfiguration } from "./encryption-configuration.ts";

const settings: ApiServerSettings = {
  port: 6443,
  etcdUrl: "https://127.0.0.1:2379",
  caFile: "/f/ca.pem",
  certificateFile: "/f/server.pem",
  keyFile: "/f/key.pem",
  serviceAccountKeyFile: "/f/sa.pem",
  tokenFile: "/f/tokens.csv",
  scratchFolder: "/f/scratch",
  uncached: [],
  encryption: undefined,
  automaticReload: false,
  encryptionFile: "/f/encryption.yaml",
  featureGates: {},
};

const encryptedBy = (provider: ProviderConfiguration) => ({ resources: [{ resources: ["secrets"], providers: [provider] }] });
const gates = (flags: string[]) => flags.filter((flag) => flag.startsWith("--feature-gates"));

test("without encryption and gates the server is told of neither", () => {
  expect(apiServerFlags(settings)).toEqual([
    "--etcd-servers=https://127.0.0.1:2379",
    "--etcd-cafile=/f/ca.pem",
    "--etcd-certfile=/f/server.pem",
    "--etcd-keyfile=/f/key.pem",
    "--bind-address=127.0.0.1",
    "--secure-port=6443",
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    "--tls-cert-file=/f/server.pem",
    "--tls-private-key-file=/f/key.pem",
    "--cert-dir=/f/scratch",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-account-key-file=/f/sa.pem",
    "--service-account-signing-key-file=/f/sa.pem",
    "--service-cluster-ip-range=10.0.0.0/24",
    "--authorization-mode=RBAC",
    "--token-auth-file=/f/tokens.csv",
    "--disable-admission-plugins=ServiceAccount",
  ]);
});

test("an encryption configuration is named by its file", () => {
  const flags = apiServerFlags({ ...settings, encryption: encryptedBy({ kind: "identity" }) });
  expect(flags).toContain("--encryption-provider-config=/f/encryption.yaml");
});

test("KMS v1 turns its gate on", () => {
  const encryption = encryptedBy({ kind: "kms", apiVersion: "v1", name: "k", socket: "/s" });
  expect(gates(apiServerFlags({ ...settings, encryption, featureGates: { Other: false } }))).toEqual([
    "--feature-gates=KMSv1=true,Other=false",
  ]);
});

test("KMS v2 needs no gate", () => {
  const encryption = encryptedBy({ kind: "kms", apiVersion: "v2", name: "k", socket: "/s" });
  expect(gates(apiServerFlags({ ...settings, encryption }))).toEqual([]);
});

test("a gate that was asked for is not overruled", () => {
  const encryption = encryptedBy({ kind: "kms", apiVersion: "v1", name: "k", socket: "/s" });
  expect(gates(apiServerFlags({ ...settings, encryption, featureGates: { KMSv1: false } }))).toEqual(["--feature-gates=KMSv1=false"]);
});
