import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { SessionCredentials } from "./service.ts";

/**
 * Hands the credentials of a cluster's role to its plugin, by the protocol of a credentials URI (spec alibaba-cloud 2.4). On loopback, at
 * paths that cannot be guessed; it begins to listen with the first of them.
 */
export class CredentialsEndpoint implements AsyncDisposable {
  readonly #sources = new Map<string, () => SessionCredentials>();
  #server: Server | undefined;
  #url: Promise<string> | undefined;

  /** The URI at which the source is asked anew each time. */
  async publish(source: () => SessionCredentials): Promise<string> {
    this.#url ??= this.#listen();
    const path = `/${randomBytes(24).toString("base64url")}`;
    this.#sources.set(path, source);
    return `${await this.#url}${path}`;
  }

  withdraw(uri: string): void {
    this.#sources.delete(new URL(uri).pathname);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#url;
    const server = this.#server;
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #listen(): Promise<string> {
    const server = createServer((request, response) => {
      const { status, body } = this.#answer(request.url ?? "");
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    this.#server = server;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("A server that listens on a port has one.");
    return `http://127.0.0.1:${address.port}`;
  }

  #answer(path: string): { readonly status: number; readonly body: Readonly<Record<string, string>> } {
    const source = this.#sources.get(path);
    if (source === undefined) return { status: 404, body: { Code: "NotFound" } };
    try {
      const { accessKeyId, accessKeySecret, securityToken, expirationMs } = source();
      const expiration = `${new Date(expirationMs).toISOString().slice(0, 19)}Z`;
      return {
        status: 200,
        body: {
          Code: "Success",
          AccessKeyId: accessKeyId,
          AccessKeySecret: accessKeySecret,
          SecurityToken: securityToken,
          Expiration: expiration,
        },
      };
    } catch {
      // The role is gone, or does not trust ACK any more.
      return { status: 403, body: { Code: "Forbidden" } };
    }
  }
}
