import type { Random } from "../random.ts";

/** One Secret of the population `bootstrap`: all of it but the contents, which are drawn anew for each copy. */
export interface SecretShape {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What it stands for, for readers. */
  readonly holds: string;
  /** Draws the values. Their sizes depend on nothing that is drawn, so an update is as large as what it replaces. */
  draw(random: Random): Map<string, Uint8Array>;
}

/** The most that the values of one Secret may come to (MaxSecretSize, k8s.io/kubernetes pkg/apis/core/types.go). */
export const secretBytesMax = 1024 * 1024;

type Contents = Pick<SecretShape, "type" | "labels" | "holds" | "draw">;

/**
 * The Secrets of a fresh cluster with what is commonly put on it. They stand in the order in which a smaller population takes them: the
 * first ten already hold every type and the largest size.
 *
 * There is no `kubernetes.io/service-account-token`: a fresh cluster has had none since v1.24, and where a controller manager runs it would
 * delete ours. Tokens of that kind are held by Opaque Secrets instead. The bootstrap tokens are disabled for authentication and signing.
 */
export const shapes: readonly SecretShape[] = [
  shape("default", "orders-db-credentials", credentials()),
  shape("ingress-nginx", "wildcard-tls", tlsPair({ certificates: 2, certificateBytes: 1170, keyBytes: 1192 })),
  shape("kube-system", "registry-pull", dockerConfig({ registries: 1, passwordBytes: 64 })),
  shape("monitoring", "sh.helm.release.v1.node-exporter.v1", helmRelease("node-exporter", 11_216)),
  shape("kube-system", "bootstrap-token-07401b", bootstrapToken()),
  shape("cert-manager", "cert-manager-webhook-ca", certificateAuthority()),
  shape("default", "legacy-pull", dockerCfg()),
  shape("default", "web-basic-auth", basicAuth()),
  shape("argocd", "repo-deploy-key", sshKey(411)),
  shape("monitoring", "sh.helm.release.v1.kube-prometheus-stack.v1", helmRelease("kube-prometheus-stack", secretBytesMax)),
  shape("kube-system", "trust-bundle", trustBundle(140)),
  shape("argocd", "argocd-notifications-secret", nothing()),
  shape("argocd", "cluster-production", clusterToken()),
  shape("velero", "cloud-credentials", file("cloud", 116, "credentials file of a cloud")),
  shape("default", "storefront-env", environment(24)),
  shape("monitoring", "alertmanager-config-generated", file("alertmanager.yaml.gz", 2_318, "compressed configuration")),
  shape("cert-manager", "acme-account-key", file("tls.key", 1_675, "private key of an ACME account")),
  shape("cert-manager", "sh.helm.release.v1.cert-manager.v1", helmRelease("cert-manager", 44_892)),
  shape("default", "payments-tls", tlsPair({ certificates: 3, certificateBytes: 1240, keyBytes: 121 })),
  shape("external-dns", "dns-provider", file("service-account.json", 2_325, "key file of a cloud service account")),
  shape("argocd", "argocd-secret", credentials()),
  shape("argocd", "sh.helm.release.v1.argo-cd.v1", helmRelease("argo-cd", 137_480)),
  shape("default", "registry-pull", dockerConfig({ registries: 3, passwordBytes: 1024 })),
  shape("kube-system", "bootstrap-token-9f3c2d", bootstrapToken()),
  shape("kube-system", "etcd-client-tls", tlsPair({ certificates: 1, certificateBytes: 620, keyBytes: 121, authorityBytes: 560 })),
  shape("ingress-nginx", "ingress-nginx-admission", certificateAuthority()),
  shape("ingress-nginx", "sh.helm.release.v1.ingress-nginx.v1", helmRelease("ingress-nginx", 29_304)),
  shape("ingress-nginx", "dashboard-basic-auth", basicAuth()),
  shape("monitoring", "grafana-admin", credentials()),
  shape("monitoring", "prometheus-remote-write", clusterToken()),
  shape("monitoring", "prometheus-config-generated", file("prometheus.yaml.gz", 18_740, "compressed configuration")),
  shape("monitoring", "prometheus-web-tls", tlsPair({ certificates: 2, certificateBytes: 1030, keyBytes: 1192 })),
  shape("kube-system", "metrics-server-tls", tlsPair({ certificates: 1, certificateBytes: 880, keyBytes: 1192 })),
  shape("kube-system", "cluster-admin-kubeconfig", file("kubeconfig", 5_644, "kubeconfig")),
  shape("kube-system", "cloud-provider-config", environment(6)),
  shape("kube-system", "sh.helm.release.v1.cilium.v1", helmRelease("cilium", 318_764)),
  shape("kube-system", "sh.helm.release.v1.cluster-autoscaler.v1", helmRelease("cluster-autoscaler", 17_052)),
  shape("external-dns", "sh.helm.release.v1.external-dns.v1", helmRelease("external-dns", 8_164)),
  shape("velero", "sh.helm.release.v1.velero.v1", helmRelease("velero", 61_212)),
  shape("velero", "repository-credentials", basicAuth()),
  shape("argocd", "registry-pull", dockerConfig({ registries: 2, passwordBytes: 1024 })),
  shape("argocd", "cluster-staging", clusterToken()),
  shape("argocd", "repo-mirror-key", sshKey(3_389)),
  shape("default", "checkout-env", environment(12)),
  shape("default", "session-signing-key", file("private.pem", 3_272, "private key that signs sessions")),
  shape("default", "orders-db-tls", tlsPair({ certificates: 1, certificateBytes: 960, keyBytes: 1192, authorityBytes: 830 })),
  shape("default", "sh.helm.release.v1.storefront.v1", helmRelease("storefront", 5_436)),
  shape("default", "sh.helm.release.v1.storefront.v2", helmRelease("storefront", 5_512, 2)),
  shape("default", "webhook-shared-key", file("key", 32, "shared key of a webhook")),
  shape("default", "feature-flags-token", file("token", 64, "token of an external service")),
];

function shape(namespace: string, name: string, contents: Contents): SecretShape {
  return { namespace, name, ...contents };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/ */
function bootstrapToken(): Contents {
  return {
    type: "bootstrap.kubernetes.io/token",
    holds: "disabled bootstrap token",
    draw: (random) =>
      values({
        "token-id": hex(random, 6),
        "token-secret": hex(random, 16),
        description: `Made by kmsmark, good for nothing (${hex(random, 8)}).`,
        "usage-bootstrap-authentication": "false",
        "usage-bootstrap-signing": "false",
        "auth-extra-groups": "system:bootstrappers:kmsmark",
      }),
  };
}

function credentials(): Contents {
  return {
    type: "Opaque",
    holds: "user name, password, connection string",
    draw: (random) => {
      const username = `user-${hex(random, 8)}`;
      const password = letters(random, 32);
      return values({
        username,
        password,
        uri: `postgresql://${username}:${password}@db-${hex(random, 6)}.example.com:5432/orders?sslmode=require`,
      });
    },
  };
}

function environment(variables: number): Contents {
  return {
    type: "Opaque",
    holds: `${variables} settings of an application`,
    draw: (random) =>
      values(
        Object.fromEntries(
          Array.from({ length: variables }, (_, index) => [`SETTING_${index + 1}`, letters(random, 16 + ((index * 7) % 40))]),
        ),
      ),
  };
}

function tlsPair(sizes: { certificates: number; certificateBytes: number; keyBytes: number; authorityBytes?: number }): Contents {
  const { certificates, certificateBytes, keyBytes, authorityBytes } = sizes;
  return {
    type: "kubernetes.io/tls",
    holds: `chain of ${certificates}, ${keyBytes > 1000 ? "RSA" : "ECDSA"} key${authorityBytes === undefined ? "" : ", CA"}`,
    draw: (random) =>
      values({
        "tls.crt": certificatesPem(random, certificates, certificateBytes),
        "tls.key": pem(random, keyBytes > 1000 ? "RSA PRIVATE KEY" : "EC PRIVATE KEY", keyBytes),
        ...(authorityBytes === undefined ? {} : { "ca.crt": certificatesPem(random, 1, authorityBytes) }),
      }),
  };
}

function certificateAuthority(): Contents {
  return {
    type: "Opaque",
    holds: "CA of a webhook with its certificate and key",
    draw: (random) =>
      values({
        "ca.crt": certificatesPem(random, 1, 480),
        "tls.crt": certificatesPem(random, 1, 520),
        "tls.key": pem(random, "EC PRIVATE KEY", 167),
      }),
  };
}

function trustBundle(certificates: number): Contents {
  return {
    type: "Opaque",
    holds: `bundle of ${certificates} CA certificates`,
    draw: (random) => values({ "ca-bundle.crt": certificatesPem(random, certificates, 1180) }),
  };
}

function dockerConfig({ registries, passwordBytes }: { registries: number; passwordBytes: number }): Contents {
  return {
    type: "kubernetes.io/dockerconfigjson",
    holds: `logins of ${registries} ${registries === 1 ? "registry" : "registries"}`,
    draw: (random) => values({ ".dockerconfigjson": JSON.stringify({ auths: registryLogins(random, registries, passwordBytes) }) }),
  };
}

/** The older form, without the outer object. */
function dockerCfg(): Contents {
  return {
    type: "kubernetes.io/dockercfg",
    holds: "login of 1 registry, older form",
    draw: (random) => values({ ".dockercfg": JSON.stringify(registryLogins(random, 1, 48)) }),
  };
}

function registryLogins(random: Random, registries: number, passwordBytes: number): Record<string, object> {
  return Object.fromEntries(
    Array.from({ length: registries }, (_, index) => {
      const username = `puller-${hex(random, 6)}`;
      const password = letters(random, passwordBytes);
      const auth = Buffer.from(`${username}:${password}`).toString("base64");
      return [`registry-${index + 1}.example.com`, { username, password, email: "nobody@example.com", auth }];
    }),
  );
}

function basicAuth(): Contents {
  return {
    type: "kubernetes.io/basic-auth",
    holds: "user name and password",
    draw: (random) => values({ username: `user-${hex(random, 8)}`, password: letters(random, 24) }),
  };
}

/** @param bytes - the size of the whole file, as ssh-keygen writes it: 411 for Ed25519, 3389 for RSA 4096 */
function sshKey(bytes: number): Contents {
  return {
    type: "kubernetes.io/ssh-auth",
    holds: "private key for a repository",
    draw: (random) => values({ "ssh-privatekey": pemOfSize(random, "OPENSSH PRIVATE KEY", bytes) }),
  };
}

/** A JSON web token of a service account (RFC 7519), with the CA to use it with. */
function clusterToken(): Contents {
  return {
    type: "Opaque",
    holds: "service account token (JWT) and CA of another cluster",
    draw: (random) =>
      values({
        "ca.crt": certificatesPem(random, 1, 767),
        token: `${base64url({ alg: "RS256", kid: hex(random, 40) })}.${base64url({ iss: "https://example.com", sub: hex(random, 400) })}.${letters(random, 342)}`,
        server: `https://${hex(random, 12)}.clusters.example.com:6443`,
      }),
  };
}

/** Helm 3 keeps a release as base64 of a compressed JSON document, in one value (helm.sh/helm pkg/storage/driver/secrets.go). */
function helmRelease(name: string, bytes: number, version = 1): Contents {
  return {
    type: "helm.sh/release.v1",
    labels: { name, owner: "helm", status: "deployed", version: String(version), modifiedAt: "1767225600" },
    holds: "Helm release",
    draw: (random) => values({ release: base64Text(random, bytes) }),
  };
}

function file(key: string, bytes: number, holds: string): Contents {
  return { type: "Opaque", holds, draw: (random) => new Map([[key, random.bytes(bytes)]]) };
}

function nothing(): Contents {
  return { type: "Opaque", holds: "nothing yet: to be filled in by hand", draw: () => new Map() };
}

function values(texts: Readonly<Record<string, string>>): Map<string, Uint8Array> {
  return new Map(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text)]));
}

function hex(random: Random, length: number): string {
  return Buffer.from(random.bytes(Math.ceil(length / 2)))
    .toString("hex")
    .slice(0, length);
}

/** Letters, digits, `-` and `_`. */
function letters(random: Random, length: number): string {
  return Buffer.from(random.bytes(Math.ceil((length * 3) / 4)))
    .toString("base64url")
    .slice(0, length);
}

/** @param length - a multiple of 4 */
function base64Text(random: Random, length: number): string {
  return Buffer.from(random.bytes((length / 4) * 3)).toString("base64");
}

function base64url(json: object): string {
  return Buffer.from(JSON.stringify(json)).toString("base64url");
}

/**
 * Random bytes in the textual encoding of RFC 7468. The API server does not look into it; for kubernetes.io/tls it sends a warning header
 * with its answer, because the pair is none.
 */
function pem(random: Random, label: string, bytes: number): string {
  const lines =
    Buffer.from(random.bytes(bytes))
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

function certificatesPem(random: Random, certificates: number, bytes: number): string {
  return Array.from({ length: certificates }, () => pem(random, "CERTIFICATE", bytes)).join("");
}

/** A text of that form and of exactly `size` bytes; the last line is cut to fit. */
function pemOfSize(random: Random, label: string, size: number): string {
  const end = `\n-----END ${label}-----\n`;
  return pem(random, label, size).slice(0, size - end.length) + end;
}
