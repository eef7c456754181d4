import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { messageOf, PluginError, systemCodeOf, UsageError } from "../harness/errors.ts";
import { grpcCodeNames } from "../harness/kms/contract.ts";
import type { PluginObserver } from "./observer.ts";

/** What the plugin tells Prometheus. */
export interface PluginMetrics {
  readonly observer: PluginObserver;
  /** The metrics in Prometheus' text format. */
  text(): Promise<string>;
}

/** @param health - `ok`, or why the KMS cannot be used. */
export function createPluginMetrics(provider: string, health: () => string): PluginMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ provider });
  const registers = [registry];
  const calls = new Counter({
    name: "kmsmark_plugin_calls_total",
    help: "gRPC calls answered, by the gRPC status code's name.",
    labelNames: ["kms", "method", "code"],
    registers,
  });
  const callDuration = new Histogram({
    name: "kmsmark_plugin_call_duration_seconds",
    help: "Time from the complete request to the answer.",
    labelNames: ["kms", "method"],
    buckets: [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers,
  });
  const providerCalls = new Counter({
    name: "kmsmark_plugin_provider_calls_total",
    help: "Attempts at the KMS behind the plugin, repetitions included.",
    labelNames: ["operation", "outcome"],
    registers,
  });
  new Gauge({
    name: "kmsmark_plugin_healthy",
    help: "1 while the KMS was usable when last tried.",
    registers,
    collect() {
      this.set(health() === "ok" ? 1 : 0);
    },
  });
  return {
    observer: {
      onCall({ kms, method, grpcCode, durationMs }) {
        calls.inc({ kms, method, code: grpcCodeNames[grpcCode] ?? grpcCode });
        callDuration.observe({ kms, method }, durationMs / 1000);
      },
      onProviderCall({ operation, outcome }) {
        providerCalls.inc({ operation, outcome });
      },
    },
    text: () => registry.metrics(),
  };
}

/** `/metrics`, `/healthz` (the process answers) and `/readyz` (the KMS is usable) over HTTP. */
export interface MetricsServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
}

/**
 * @param address - `HOST:PORT` on loopback; port 0 takes a free one.
 * @throws UsageError `bad-metrics-address` or `metrics-not-loopback`; PluginError `metrics-port-unusable`.
 */
export async function serveMetrics(address: string, metrics: PluginMetrics, health: () => string): Promise<MetricsServer> {
  const { host, port } = loopbackAddressOf(address);
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    switch (request.url) {
      case "/metrics":
        return respond(response, 200, await metrics.text());
      case "/healthz":
        return respond(response, 200, "ok\n");
      case "/readyz":
        return respond(response, health() === "ok" ? 200 : 503, `${health()}\n`);
      default:
        return respond(response, 404, "There is /metrics, /healthz and /readyz.\n");
    }
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => response.destroy(thrown instanceof Error ? thrown : undefined));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (thrown) => {
      const why = systemCodeOf(thrown) === "EADDRINUSE" ? "another process has the port" : messageOf(thrown);
      reject(
        new PluginError("metrics-port-unusable", `The metrics cannot be served on ${address}: ${why}.`, {
          hint: "Choose another port; 0 takes a free one.",
          cause: thrown,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${portOf(server.address())}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function loopbackAddressOf(address: string): { host: string; port: number } {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]+)):(?<port>\d{1,5})$/.exec(address);
  const host = match?.groups?.["v6"] ?? match?.groups?.["v4"];
  const port = Number(match?.groups?.["port"]);
  if (host === undefined || port > 65535) {
    throw new UsageError("bad-metrics-address", `${JSON.stringify(address)} is no HOST:PORT.`, {
      hint: "Write 127.0.0.1:9464 for instance.",
    });
  }
  if (host !== "localhost" && host !== "::1" && !/^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)) {
    throw new UsageError("metrics-not-loopback", `${host} is not on loopback, and the metrics have no authentication.`, {
      hint: "Write 127.0.0.1:9464 for instance.",
    });
  }
  return { host, port };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new TypeError("An HTTP server that listens on a port has one.");
  return address.port;
}

function respond(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text);
}
