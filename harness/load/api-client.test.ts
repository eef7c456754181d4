// @peculiar/x509 finds its parts by tsyringe, which needs this polyfill before it.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { beforeAll, describe, expect, it } from "vitest";
import { issueServerCertificates, type ServerCertificates } from "../target/certificates.ts";
import { SecretsClient } from "./api-client.ts";
import { encodeSecret } from "./secret-spec.ts";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

let certificates: ServerCertificates;
let others: ServerCertificates;

beforeAll(async () => {
  [certificates, others] = await Promise.all([issueServerCertificates(), issueServerCertificates()]);
});

/** What a fake server answers; undefined: it never does. */
type Answer = (asked: Asked) => { status?: number; body: string } | undefined;

/** A server on loopback that answers as `answer` says and remembers what it was asked. */
class FakeApiServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly authorizations = new Set<string | undefined>();
  readonly clients = new Set<string>();
  connections = 0;
  #server: Server;

  private constructor(answer: Answer, { keyPem, certificatePem }: Omit<ServerCertificates, "caPem">) {
    this.#server = createServer(
      { key: keyPem, cert: certificatePem, ca: others.caPem, requestCert: true, rejectUnauthorized: false },
      async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        const asked = { method: request.method ?? "", url: request.url ?? "", body };
        this.asked.push(asked);
        this.authorizations.add(request.headers.authorization);
        const given = answer(asked);
        if (given !== undefined) response.writeHead(given.status ?? 200, { "content-type": "application/json" }).end(given.body);
      },
    );
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      this.connections++;
      if (socket.authorized) this.clients.add(String(socket.getPeerCertificate().subject["CN"]));
    });
  }

  static async start(answer: Answer, shown: Omit<ServerCertificates, "caPem"> = certificates): Promise<FakeApiServer> {
    const started = new FakeApiServer(answer, shown);
    started.#server.listen(0, "127.0.0.1");
    await once(started.#server, "listening");
    return started;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The server does not listen.");
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const token = { kind: "token", token: "not-a-real-token" } as const;

function clientOf(server: FakeApiServer, more: Partial<ConstructorParameters<typeof SecretsClient>[0]> = {}): SecretsClient {
  const api = { url: `https://127.0.0.1:${server.port}`, caPem: certificates.caPem, identity: token };
  return new SecretsClient({ api, connections: 4, ...more });
}

const spec = {
  namespace: "team-a",
  name: "db",
  type: "Opaque",
  labels: { app: "db" },
  data: new Map([["password", Buffer.from("hunter22")]]),
};
const refusal = { status: 500, body: JSON.stringify({ kind: "Status", message: "the KMS is gone", reason: "InternalError" }) };

describe("SecretsClient", () => {
  it("asks what it is told to ask", async () => {
    await using server = await FakeApiServer.start(() => ({ body: "{}" }));
    await using client = clientOf(server);
    await client.createNamespace("team-a");
    await client.createSecret(encodeSecret(spec));
    await client.getSecret("team-a", "db");
    await client.listSecrets();
    await client.listSecrets({ namespace: "team-a", limit: 500, continueToken: "a+b=" });
    await client.updateSecret(encodeSecret(spec, "7"));
    await client.deleteSecret("team-a", "db");
    await client.deleteNamespace("team-a");
    await client.readyz();
    expect(server.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /api/v1/namespaces",
      "POST /api/v1/namespaces/team-a/secrets",
      "GET /api/v1/namespaces/team-a/secrets/db",
      "GET /api/v1/secrets",
      "GET /api/v1/namespaces/team-a/secrets?limit=500&continue=a%2Bb%3D",
      "PUT /api/v1/namespaces/team-a/secrets/db",
      "DELETE /api/v1/namespaces/team-a/secrets/db",
      "DELETE /api/v1/namespaces/team-a",
      "GET /readyz?verbose",
    ]);
    expect(server.asked.map(({ body }) => (body === "" ? undefined : JSON.parse(body)))).toEqual([
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "team-a" } },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "db", namespace: "team-a", labels: { app: "db" } },
        type: "Opaque",
        data: { password: "aHVudGVyMjI=" },
      },
      undefined,
      undefined,
      undefined,
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "db", namespace: "team-a", labels: { app: "db" }, resourceVersion: "7" },
        type: "Opaque",
        data: { password: "aHVudGVyMjI=" },
      },
      undefined,
      undefined,
      undefined,
    ]);
    expect([...server.authorizations]).toEqual(["Bearer not-a-real-token"]);
  });

  it("shows its certificate where that is its identity, and no token", async () => {
    await using server = await FakeApiServer.start(() => ({ body: "{}" }));
    const identity = { kind: "certificate", certificatePem: others.certificatePem, keyPem: others.keyPem } as const;
    await using client = clientOf(server, { api: { url: `https://127.0.0.1:${server.port}`, caPem: certificates.caPem, identity } });
    await client.readyz();
    expect([...server.clients]).toEqual(["kmsmark control plane"]);
    expect([...server.authorizations]).toEqual([undefined]);
  });

  it("gives status, bytes and failure of every answer", async () => {
    await using server = await FakeApiServer.start(({ method }) => (method === "GET" ? { body: '{"kind":"Secret"}' } : refusal));
    await using client = clientOf(server);
    const read = await client.getSecret("team-a", "db");
    expect({ status: read.status, failure: read.failure, json: read.json() }).toEqual({
      status: 200,
      failure: undefined,
      json: { kind: "Secret" },
    });
    const written = await client.createSecret(encodeSecret(spec));
    expect({ status: written.status, failure: written.failure }).toEqual({ status: 500, failure: "the KMS is gone" });
  });

  it("reads a body that comes in many pieces", async () => {
    const body = JSON.stringify({ kind: "Secret", data: { a: "x".repeat(3_000_000) } });
    await using server = await FakeApiServer.start(() => ({ body }));
    await using client = clientOf(server);
    expect((await client.getSecret("team-a", "db")).text()).toBe(body);
  });

  it("takes a namespace that is there already for created, and a Secret for a conflict", async () => {
    const conflict = {
      status: 409,
      body: JSON.stringify({ kind: "Status", message: 'secrets "db" already exists', reason: "AlreadyExists" }),
    };
    await using server = await FakeApiServer.start(() => conflict);
    await using client = clientOf(server);
    expect((await client.createNamespace("team-a")).failure).toBeUndefined();
    expect((await client.createSecret(encodeSecret(spec))).failure).toBe('secrets "…" already exists');
  });

  it("puts back exactly the bytes it read", async () => {
    const body = '{ "kind":"Secret", "metadata":{"resourceVersion":"7","managedFields":[]} }';
    await using server = await FakeApiServer.start(() => ({ body }));
    await using client = clientOf(server);
    await client.replaceUnchanged("team-a", "db");
    expect(server.asked).toEqual([
      { method: "GET", url: "/api/v1/namespaces/team-a/secrets/db", body: "" },
      { method: "PUT", url: "/api/v1/namespaces/team-a/secrets/db", body },
    ]);
  });

  it("puts nothing back when it could not read", async () => {
    await using server = await FakeApiServer.start(() => refusal);
    await using client = clientOf(server);
    expect((await client.replaceUnchanged("team-a", "db")).failure).toBe("the KMS is gone");
    expect(server.asked).toHaveLength(1);
  });

  it("follows a list to its end", async () => {
    const pages: Record<string, string> = { "": "p2", p2: "p3", p3: "" };
    await using server = await FakeApiServer.start(({ url }) => {
      const from = new URL(url, "https://server").searchParams.get("continue") ?? "";
      return { body: JSON.stringify({ kind: "SecretList", apiVersion: "v1", metadata: { continue: pages[from] }, items: [] }) };
    });
    await using client = clientOf(server);
    expect((await Array.fromAsync(client.listPages({ limit: 2 }))).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(server.asked.map(({ url }) => url)).toEqual([
      "/api/v1/secrets?limit=2",
      "/api/v1/secrets?limit=2&continue=p2",
      "/api/v1/secrets?limit=2&continue=p3",
    ]);
  });

  it("ends a list at the first page that fails", async () => {
    await using server = await FakeApiServer.start(() => refusal);
    await using client = clientOf(server);
    expect((await Array.fromAsync(client.listPages({ limit: 2 }))).map(({ failure }) => failure)).toEqual(["the KMS is gone"]);
  });

  it("gives metrics and version as they are, or says why not", async () => {
    await using server = await FakeApiServer.start(({ url }) => ({
      body: url === "/version" ? '{"major":"1","gitVersion":"v1.37.2"}' : "go_x 1\n",
    }));
    await using client = clientOf(server);
    expect(await client.version()).toBe("v1.37.2");
    expect(await client.metrics()).toBe("go_x 1\n");
    await using broken = await FakeApiServer.start(() => refusal);
    await using refused = clientOf(broken);
    await expect(refused.metrics()).rejects.toMatchObject({ code: "api-refused", message: expect.stringContaining("the KMS is gone") });
  });

  it("opens every connection when it warms up, and no more afterwards", async () => {
    await using server = await FakeApiServer.start(() => ({ body: "ok" }));
    await using client = clientOf(server);
    await client.warmUp();
    expect(server.connections).toBe(4);
    await Promise.all(Array.from({ length: 20 }, () => client.readyz()));
    expect(server.connections).toBe(4);
  });

  it("refuses a certificate of another authority", async () => {
    await using server = await FakeApiServer.start(() => ({ body: "{}" }));
    await using client = clientOf(server, { api: { url: `https://127.0.0.1:${server.port}`, caPem: others.caPem, identity: token } });
    await expect(client.readyz()).rejects.toMatchObject({ name: "TargetError", code: "api-untrusted" });
    expect(server.asked).toEqual([]);
  });

  it("refuses a certificate for another host", async () => {
    const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const names = new SubjectAlternativeNameExtension([{ type: "dns", value: "elsewhere.example" }]);
    const certificate = await X509CertificateGenerator.createSelfSigned({ name: "CN=127.0.0.1", keys, extensions: [names] });
    const keyPem = PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), PemConverter.PrivateKeyTag);
    const certificatePem = certificate.toString("pem");
    await using server = await FakeApiServer.start(() => ({ body: "{}" }), { keyPem, certificatePem });
    await using client = clientOf(server, { api: { url: `https://127.0.0.1:${server.port}`, caPem: certificatePem, identity: token } });
    await expect(client.readyz()).rejects.toMatchObject({ code: "api-untrusted", message: expect.stringContaining("altnames") });
    expect(server.asked).toEqual([]);
  });

  it("says when nobody listens", async () => {
    let port: number;
    {
      await using server = await FakeApiServer.start(() => ({ body: "{}" }));
      port = server.port;
    }
    await using client = new SecretsClient({
      api: { url: `https://127.0.0.1:${port}`, caPem: certificates.caPem, identity: token },
      connections: 1,
    });
    await expect(client.readyz()).rejects.toMatchObject({ code: "api-unreachable", message: expect.stringContaining(`127.0.0.1:${port}`) });
  });

  it("gives up on a server that does not answer", async () => {
    await using server = await FakeApiServer.start(() => undefined);
    await using client = clientOf(server, { timeoutMs: 30 });
    await expect(client.readyz()).rejects.toMatchObject({ code: "api-timeout" });
  });

  it("ends with the signal's reason, whether in flight or waiting for a connection", async () => {
    const interruption = new AbortController();
    await using server = await FakeApiServer.start(() => {
      interruption.abort(new Error("stop"));
      return undefined;
    });
    await using client = clientOf(server, { connections: 1 });
    const ends = await Promise.allSettled([client.readyz(interruption.signal), client.readyz(interruption.signal)]);
    expect(ends).toEqual([
      { status: "rejected", reason: new Error("stop") },
      { status: "rejected", reason: new Error("stop") },
    ]);
    await expect(client.readyz(interruption.signal)).rejects.toThrow("stop");
    expect(server.asked).toHaveLength(1);
  });

  it("fails what is in flight when it is disposed of", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await FakeApiServer.start(() => {
      arrived.resolve();
      return undefined;
    });
    const client = clientOf(server);
    const failed = expect(client.readyz()).rejects.toMatchObject({ code: "api-unreachable" });
    await arrived.promise;
    await client[Symbol.asyncDispose]();
    await failed;
  });
});
