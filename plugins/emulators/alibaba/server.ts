import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { messageOf, PluginError, systemCodeOf } from "../../../harness/errors.ts";
import type { AdminEndpoint } from "./admin-endpoint.ts";
import type { Gateway } from "./gateway.ts";
import type { InstanceMetadata, PlainAnswer } from "./metadata.ts";
import { readRequest } from "./request.ts";
import { CloudError } from "./service.ts";

/** Longer than clients keep an idle connection, so that none is closed under a request. */
const keepAliveMs = 120_000;

export interface ServerParts {
  readonly gateway: Gateway;
  readonly metadata: InstanceMetadata;
  readonly admin: AdminEndpoint | undefined;
}

export interface CloudServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves all of it on one port of 127.0.0.1.
 * @throws PluginError `cloud-port-unusable`.
 */
export async function serveCloud(port: number, parts: ServerParts): Promise<CloudServer> {
  const server = createServer({ keepAliveTimeout: keepAliveMs }, (message, response) => {
    // A request that ends before it is read has nobody to answer.
    answer(message, response, parts).catch(() => message.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (thrown) => {
      const why = systemCodeOf(thrown) === "EADDRINUSE" ? "another process has the port" : messageOf(thrown);
      reject(
        new PluginError("cloud-port-unusable", `The local cloud cannot be served on port ${port}: ${why}.`, {
          hint: "Choose another port; 0 takes a free one.",
          cause: thrown,
        }),
      );
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("An HTTP server that listens on a port has one.");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(message: IncomingMessage, response: ServerResponse, { gateway, metadata, admin }: ServerParts): Promise<void> {
  let request: Awaited<ReturnType<typeof readRequest>>;
  try {
    request = await readRequest(message);
  } catch (thrown) {
    if (!(thrown instanceof CloudError)) throw thrown;
    response.setHeader("connection", "close");
    return plain(response, { status: thrown.status, text: thrown.message, type: "text/plain" });
  }
  const simple = (await metadata.answer(request)) ?? (await admin?.answer(request));
  if (simple !== undefined) return plain(response, simple);

  const outcome = await gateway.answer(request);
  if (outcome === "never") return;
  if (outcome === "dropped") {
    message.socket.resetAndDestroy();
    return;
  }
  response.statusCode = outcome.status;
  response.setHeader("x-acs-request-id", outcome.requestId);
  if (outcome.retryAfterMs !== undefined) response.setHeader("x-acs-retry-after", String(outcome.retryAfterMs));
  if (outcome.text !== "") response.setHeader("content-type", "application/json;charset=utf-8");
  response.end(outcome.text);
}

function plain(response: ServerResponse, { status, text, type }: PlainAnswer): void {
  response.writeHead(status, { "content-type": `${type};charset=utf-8` }).end(text);
}
