import { PluginError } from "../errors.ts";
import { socketPathBytesMax, socketPathOf } from "../kms/socket.ts";

/** Where a plugin listens, as node:net takes it. */
export type PluginAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * What an endpoint names: a path of a Unix socket as {@link socketPathOf} reads it, `tcp://127.0.0.1:8080`, or an abstract Unix socket as kube-apiserver
 * writes it, `unix:///@name` (k8s.io/kms/pkg/util, ParseEndpoint).
 * @throws PluginError `bad-endpoint`, or what socketPathOf throws.
 */
export function pluginAddressOf(endpoint: string): PluginAddress {
  const [, host, port] = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[^:/[\]]+):(\d{1,5})$/.exec(endpoint) ?? [];
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return { host: host.replaceAll(/[[\]]/g, ""), port: Number(port) };
  if (endpoint.startsWith("tcp:")) {
    throw new PluginError("bad-endpoint", `${JSON.stringify(endpoint)} names no host and port.`, { hint: "Write tcp://127.0.0.1:8080." });
  }
  const [, name] = /^(?:unix:(?:\/\/)?\/?)?@(.*)$/s.exec(endpoint) ?? [];
  if (name === undefined) return { path: socketPathOf(endpoint) };
  if (name === "" || name.includes("\0") || Buffer.byteLength(name) > socketPathBytesMax) {
    throw new PluginError(
      "bad-endpoint",
      `${JSON.stringify(endpoint)} names no abstract socket: its name has 1 to ${socketPathBytesMax} bytes.`,
    );
  }
  return { path: `\0${name}` };
}

/** As an endpoint, for messages. */
export function endpointOf(address: PluginAddress): string {
  if ("port" in address) return `tcp://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
  return address.path.startsWith("\0") ? `unix:///@${address.path.slice(1)}` : `unix://${address.path}`;
}
