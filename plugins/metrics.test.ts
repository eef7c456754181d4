import { describe, expect, it } from "vitest";
import { createPluginMetrics, serveMetrics } from "./metrics.ts";

const call = { kms: "v2", method: "Encrypt", uid: "", bytesIn: 32, bytesOut: 60, durationMs: 1.5, grpcCode: 0, message: "" } as const;

async function serve(health = () => "ok") {
  const metrics = createPluginMetrics("local", health);
  return { metrics, server: await serveMetrics("127.0.0.1:0", metrics, health) };
}

const get = async (url: string) => {
  const response = await fetch(url);
  return `${response.status} ${(await response.text()).trim()}`;
};

describe("the metrics", () => {
  it("count calls by method and code, and the time they took", async () => {
    const { observer, text } = createPluginMetrics("local", () => "ok");
    observer.onCall?.(call);
    observer.onCall?.(call);
    observer.onCall?.({ ...call, method: "Decrypt", grpcCode: 9, message: "no key" });
    observer.onProviderCall?.({ operation: "encrypt", durationMs: 1, outcome: "throttled" });
    const lines = (await text()).split("\n");
    expect(lines).toContain('kmsmark_plugin_calls_total{kms="v2",method="Encrypt",code="OK",provider="local"} 2');
    expect(lines).toContain('kmsmark_plugin_calls_total{kms="v2",method="Decrypt",code="FailedPrecondition",provider="local"} 1');
    expect(lines).toContain('kmsmark_plugin_call_duration_seconds_sum{provider="local",kms="v2",method="Encrypt"} 0.003');
    expect(lines).toContain('kmsmark_plugin_call_duration_seconds_bucket{le="0.001",provider="local",kms="v2",method="Encrypt"} 0');
    expect(lines).toContain('kmsmark_plugin_call_duration_seconds_bucket{le="0.002",provider="local",kms="v2",method="Encrypt"} 2');
    expect(lines).toContain('kmsmark_plugin_provider_calls_total{operation="encrypt",outcome="throttled",provider="local"} 1');
    expect(lines).toContain('kmsmark_plugin_healthy{provider="local"} 1');
  });

  it("of two plugins in one process are their own", async () => {
    const first = createPluginMetrics("local", () => "ok");
    first.observer.onCall?.(call);
    expect(await createPluginMetrics("local", () => "ok").text()).not.toContain("kmsmark_plugin_calls_total{");
  });
});

describe("serveMetrics", () => {
  it("serves metrics, liveness and readiness", async () => {
    let health = "ok";
    const { server, metrics } = await serve(() => health);
    await using _server = server;
    expect(await get(`${server.url}/metrics`)).toBe(`200 ${(await metrics.text()).trim()}`);
    expect(await get(`${server.url}/healthz`)).toBe("200 ok");
    expect(await get(`${server.url}/readyz`)).toBe("200 ok");
    health = "The KMS refuses the credentials.";
    expect(await get(`${server.url}/healthz`)).toBe("200 ok");
    expect(await get(`${server.url}/readyz`)).toBe("503 The KMS refuses the credentials.");
    expect(await get(`${server.url}/metrics`)).toContain('kmsmark_plugin_healthy{provider="local"} 0');
    expect(await get(`${server.url}/else`)).toMatch(/^404 /);
  });

  it.each(["0.0.0.0:0", "192.168.0.1:0", "[::]:0", "example.com:0", "128.0.0.1:0", "127.0.0.1.example.com:0"])(
    "refuses %s",
    async (address) => {
      await expect(
        serveMetrics(
          address,
          createPluginMetrics("local", () => "ok"),
          () => "ok",
        ),
      ).rejects.toMatchObject({ code: "metrics-not-loopback" });
    },
  );

  it.each(["", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "::1:0"])("refuses %j", async (address) => {
    await expect(
      serveMetrics(
        address,
        createPluginMetrics("local", () => "ok"),
        () => "ok",
      ),
    ).rejects.toMatchObject({ code: "bad-metrics-address" });
  });

  it("says that the port is taken", async () => {
    const { server, metrics } = await serve();
    await using _server = server;
    await expect(serveMetrics(server.url.replace("http://", ""), metrics, () => "ok")).rejects.toMatchObject({
      code: "metrics-port-unusable",
      message: expect.stringContaining("another process has the port"),
    });
  });
});
