import { readFile } from "node:fs/promises";
import type { OutgoingHttpHeaders } from "node:http";
import type { RequestOptions } from "node:https";
import { dirname, isAbsolute, resolve } from "node:path";
import { rootCertificates } from "node:tls";
import type { Cluster, KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, systemCodeOf, UsageError } from "../errors.ts";
import type { ApiAccess } from "./target.ts";

/**
 * Reads how a kubeconfig reaches its API server: by token, client certificate or exec plugin. What it gives is taken once: a
 * token that expires while kmsmark runs is not renewed.
 * @param context - the name of one of its contexts; undefined for the current one
 * @throws UsageError `kubeconfig-missing`, `kubeconfig-unreadable`, `kubeconfig-context`, `kubeconfig-unsupported`, `kubeconfig-no-credential`
 */
export async function readKubeconfig(path: string, context: string | undefined): Promise<ApiAccess> {
  // Loaded here, because it is large and only this target needs it.
  const { KubeConfig: Loader } = await import("@kubernetes/client-node");
  const config = new Loader();
  try {
    config.loadFromFile(isAbsolute(path) ? path : resolve(path));
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") throw new UsageError("kubeconfig-missing", `There is no kubeconfig at ${path}.`);
    throw new UsageError("kubeconfig-unreadable", `The kubeconfig ${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  }
  const cluster = chooseCluster(config, path, context);
  const headers: OutgoingHttpHeaders = {};
  const options: RequestOptions = { headers };
  try {
    await config.applyToHTTPSOptions(options);
  } catch (thrown) {
    throw new UsageError("kubeconfig-no-credential", `The kubeconfig ${path} yields no credential: ${messageOf(thrown)}.`, {
      cause: thrown,
    });
  }
  const token = await tokenOfFile(path, config.getCurrentUser()?.name);
  return {
    url: cluster.server.replace(/\/+$/, ""),
    caPem: pemOf(options.ca) ?? rootCertificates.join("\n"),
    identity: token === undefined ? identityOf(headers, options, path) : { kind: "token", token },
  };
}

const usersSchema = z.object({
  users: z.array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().optional() }).nullish() })),
});

/** `tokenFile`, which @kubernetes/client-node 2.0 knows under another name only; its path counts from the kubeconfig's folder, as for kubectl. */
async function tokenOfFile(path: string, userName: string | undefined): Promise<string | undefined> {
  const { users } = usersSchema.parse(parse(await readFile(path, "utf8")));
  const file = users.find(({ name }) => name === userName)?.user?.tokenFile;
  if (file === undefined) return undefined;
  try {
    return (await readFile(resolve(dirname(path), file), "utf8")).trim();
  } catch (thrown) {
    throw new UsageError("kubeconfig-no-credential", `The token file of the kubeconfig ${path} cannot be read: ${messageOf(thrown)}.`, {
      cause: thrown,
    });
  }
}

function chooseCluster(config: KubeConfig, path: string, context: string | undefined): Cluster {
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const named = context === undefined ? "a current context with a cluster" : `a context ${context} with a cluster`;
    throw new UsageError("kubeconfig-context", `The kubeconfig ${path} has no ${named.slice(2)}.`, {
      hint: `It has: ${
        config
          .getContexts()
          .map(({ name }) => name)
          .join(", ") || "no context at all"
      }. Choose one with --context.`,
    });
  }
  const unsupported = (what: string, hint: string) =>
    new UsageError("kubeconfig-unsupported", `The kubeconfig ${path} ${what}, which kmsmark does not do.`, { hint });
  if (!cluster.server.startsWith("https://")) throw unsupported("names a server without TLS", "Give the server an https:// address.");
  if (cluster.skipTLSVerify) throw unsupported("turns the verification of the server off", "Give it certificate-authority-data instead.");
  if (cluster.proxyUrl) throw unsupported("reaches the server through a proxy", "Run kmsmark where the server can be reached directly.");
  if (cluster.tlsServerName) throw unsupported("renames the server with tls-server-name", "Use the name that the certificate has.");
  return cluster;
}

function identityOf(headers: OutgoingHttpHeaders, options: RequestOptions, path: string): ApiAccess["identity"] {
  const authorization = headers["Authorization"];
  if (typeof authorization === "string" && authorization.startsWith("Bearer ")) {
    return { kind: "token", token: authorization.slice("Bearer ".length) };
  }
  const certificatePem = pemOf(options.cert);
  const keyPem = pemOf(options.key);
  if (certificatePem !== undefined && keyPem !== undefined) return { kind: "certificate", certificatePem, keyPem };
  throw new UsageError("kubeconfig-no-credential", `The kubeconfig ${path} has neither a token nor a client certificate for its context.`, {
    hint: "kmsmark cannot use passwords and token files.",
  });
}

function pemOf(given: unknown): string | undefined {
  if (typeof given === "string") return given;
  return Buffer.isBuffer(given) ? given.toString() : undefined;
}
