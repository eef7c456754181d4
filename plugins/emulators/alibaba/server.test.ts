import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { startAlibabaCloud } from "./index.ts";
import { arrange } from "./testing/cloud.ts";
import { requestV3, send } from "./testing/signed-request.ts";

/** One request as raw as need be; fetch would set the host itself. */
function raw(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer },
): Promise<{ status: number | undefined; said: string }> {
  return new Promise((resolve, reject) => {
    const { method = "GET", headers = {}, body } = options;
    const sent = request(url, { method, headers }, (answer) => {
      text(answer).then((said) => resolve({ status: answer.statusCode, said }), reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

describe("the server", () => {
  it("refuses a body that is far too large, and lives on", async () => {
    await using cloud = await arrange();
    const body = Buffer.alloc(1024 * 1024 + 1);
    expect(await raw(`${cloud.url}/`, { method: "POST", body })).toMatchObject({ status: 413 });
    expect(await send(requestV3({ endpoint: cloud.endpoint, credentials: cloud.running.root }))).toMatchObject({ status: 200 });
  });

  it.each(["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1"])("gives no credentials to a page that calls it %j", async (host) => {
    await using cloud = await arrange({ metadataTokenRequired: false });
    const path = "/latest/meta-data/ram/security-credentials/KmsmarkPluginRole";
    expect(await raw(`${cloud.url}${path}`, { headers: { host } })).toMatchObject({ status: 403 });
    expect(await raw(cloud.running.credentialsUri, { headers: { host } })).toMatchObject({ status: 403 });
    expect(await raw(`${cloud.url}${path}`, { headers: { host: "localhost:8700" } })).toMatchObject({ status: 200 });
  });

  it("is on loopback alone", async () => {
    await using cloud = await startAlibabaCloud();
    expect(new URL(cloud.url).hostname).toBe("127.0.0.1");
    const socket = connect({ host: "127.0.0.2", port: Number(new URL(cloud.url).port) });
    const outcome = await new Promise((resolve) =>
      socket.once("error", () => resolve("refused")).once("connect", () => resolve("accepted")),
    );
    socket.destroy();
    expect(outcome).toBe("refused");
  });

  it("answers a defect of a service with a bare 500, and tells it to who runs it", async () => {
    const defects: unknown[] = [];
    const handle = () => {
      throw new TypeError("a secret");
    };
    const broken = () =>
      ({ product: "Broken", version: "2000-01-01", style: "rpc", operations: { Break: { access: "Read", handle } } }) as const;
    await using cloud = await arrange({ services: [broken], onDefect: (thrown) => defects.push(thrown) });
    const words = { endpoint: cloud.endpoint, credentials: cloud.running.root, version: "2000-01-01", action: "Break" };
    const { status, json } = await send(requestV3(words));
    expect({ status, json }).toMatchObject({ status: 500, json: { Code: "InternalFailure" } });
    expect(JSON.stringify([json, cloud.events])).not.toContain("a secret");
    expect(cloud.events.at(-1)?.record).toMatchObject({ eventName: "Break", errorCode: "InternalFailure" });
    expect(defects).toEqual([new TypeError("a secret")]);
  });

  it("answers an API with paths in its own way: parameters of the path, an empty body, errors in lower case", async () => {
    const seen: unknown[] = [];
    const operations = {
      Put: {
        access: "Write",
        route: "PUT /things/{ThingId}/kms",
        recordedBody: ["name", "isOn"],
        handle: ({ parameters, body }: { parameters: ReadonlyMap<string, string>; body: unknown }) => {
          seen.push(parameters.get("ThingId"), body);
          return {};
        },
      },
      Get: { access: "Read", route: "GET /things/{ThingId}", handle: () => ({ status: 202, body: { state: "running" } }) },
    } as const;
    const things = () => ({ product: "Things", version: "2000-01-01", style: "roa", operations }) as const;
    await using cloud = await arrange({ services: [things] });
    const words = { endpoint: cloud.endpoint, credentials: cloud.running.root, version: "2000-01-01", action: "Any" };
    const body = JSON.stringify({ name: "a", isOn: true, secret: "s3cr3t" });
    expect(await send(requestV3({ ...words, method: "PUT", path: "/things/t%201/kms", body }))).toEqual({ status: 200, json: undefined });
    expect(seen).toEqual(["t 1", { name: "a", isOn: true, secret: "s3cr3t" }]);
    expect(cloud.events.at(-1)?.record).toMatchObject({ eventName: "Put", requestParameters: { name: "a", isOn: true } });
    expect(JSON.stringify(cloud.events)).not.toContain("s3cr3t");
    expect(await send(requestV3({ ...words, method: "GET", path: "/things/1" }))).toEqual({ status: 202, json: { state: "running" } });
    const none = await send(requestV3({ ...words, method: "GET", path: "/things/1/other" }));
    expect(none).toMatchObject({ status: 404 });
    const spoiled = requestV3({ ...words, method: "PUT", path: "/things/1/kms", body: "{" });
    expect(await send(spoiled)).toMatchObject({ status: 400, json: { code: "ParseRequestParameterException", status: 400 } });
  });
});
