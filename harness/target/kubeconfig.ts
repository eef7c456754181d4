import { stringify } from "yaml";
import type { ApiAccess } from "./target.ts";

/** Renders a kubeconfig that kubectl accepts, with one context that is the current one. It holds a credential: write it with mode 0600. */
export function renderKubeconfig(name: string, api: ApiAccess): string {
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": name,
      clusters: [{ name, cluster: { server: api.url, "certificate-authority-data": base64(api.caPem) } }],
      users: [{ name, user: userOf(api.identity) }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    },
    { lineWidth: 0 },
  );
}

function userOf(identity: ApiAccess["identity"]): Record<string, string> {
  if (identity.kind === "token") return { token: identity.token };
  return { "client-certificate-data": base64(identity.certificatePem), "client-key-data": base64(identity.keyPem) };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
