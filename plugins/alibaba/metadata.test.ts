import { describe, expect, it } from "vitest";
import { type SeenRequest, type StubAnswer, startStubCloud } from "../testing/stub-cloud.ts";
import { MetadataService } from "./metadata.ts";

const issued = { Code: "Success", AccessKeyId: "STS.1", AccessKeySecret: "s", SecurityToken: "t", Expiration: "2026-01-01T01:00:00Z" };
const { signal } = new AbortController();

/** The metadata service of an instance with one role, where `other` has nothing to say. */
async function arrange(other: (request: SeenRequest) => StubAnswer | undefined = () => undefined) {
  const stack = new AsyncDisposableStack();
  const stub = stack.use(
    await startStubCloud((request) => {
      const special = other(request);
      if (special !== undefined) return special;
      if (request.path === "/latest/api/token") return { body: "metadata-token" };
      if (request.headers["x-aliyun-ecs-metadata-token"] !== "metadata-token") return { status: 403, body: "" };
      if (request.path === "/latest/meta-data/region-id") return { body: "cn-hangzhou\n" };
      if (request.path === "/latest/meta-data/ram/security-credentials/") return { body: "NodeRole\n" };
      return request.path.endsWith("/NodeRole") ? { body: issued } : { status: 404, body: "" };
    }),
  );
  const metadata = stack.use(new MetadataService(stub.url));
  return { stub, metadata, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("the metadata of an ECS instance", () => {
  it("are asked for with a token that was fetched before", async () => {
    await using place = await arrange();
    expect(await place.metadata.region(signal)).toBe("cn-hangzhou");
    expect(await place.metadata.role().fetch(signal)).toEqual({
      accessKeyId: "STS.1",
      accessKeySecret: "s",
      securityToken: "t",
      expiresMs: Date.UTC(2026, 0, 1, 1),
    });
    const asked = place.stub.seen.map(({ method, path }) => `${method} ${path}`);
    expect(asked).toEqual([
      "PUT /latest/api/token",
      "GET /latest/meta-data/region-id",
      "PUT /latest/api/token",
      "GET /latest/meta-data/ram/security-credentials/",
      "GET /latest/meta-data/ram/security-credentials/NodeRole",
    ]);
    expect(place.stub.seen[0]?.headers["x-aliyun-ecs-metadata-token-ttl-seconds"]).toBe("300");
  });

  it("are never asked for without one", async () => {
    await using place = await arrange(({ path }) => (path === "/latest/api/token" ? { status: 404, body: "" } : undefined));
    await expect(place.metadata.role().fetch(signal)).rejects.toMatchObject({
      kind: "no-credentials",
      message: expect.stringContaining("HTTP 404"),
    });
    expect(place.stub.seen.map(({ method }) => method)).toEqual(["PUT"]);
  });

  it.each<[string, (request: SeenRequest) => StubAnswer | undefined, string, string]>([
    ["no role", ({ path }) => (path.endsWith("/") ? { status: 404, body: "" } : undefined), "no-credentials", "attach one"],
    [
      "a role without credentials",
      ({ path }) => (path.endsWith("/NodeRole") ? { body: { ...issued, Code: "Failed" } } : undefined),
      "bad-answer",
      "no credentials",
    ],
    [
      "credentials without an end",
      ({ path }) => (path.endsWith("/NodeRole") ? { body: { ...issued, Expiration: "soon" } } : undefined),
      "bad-answer",
      "no credentials",
    ],
    ["a fault of its own", () => ({ status: 500, body: "" }), "unavailable", "HTTP 500"],
    ["a broken connection", () => "reset", "unavailable", "could not be reached (ECONNRESET)"],
  ])("with %s are told to be so", async (_what, other, kind, words) => {
    await using place = await arrange(other);
    await expect(place.metadata.role().fetch(signal)).rejects.toMatchObject({ kind, message: expect.stringContaining(words) });
  });

  it.each(["http://169.254.169.254", "http://metadata.example", "http://127.0.0.1/path", "ftp://127.0.0.1", "nothing"])(
    "are not looked for at %s",
    (base) => {
      expect(() => new MetadataService(base)).toThrow(expect.objectContaining({ code: "bad-endpoint" }));
    },
  );
});
