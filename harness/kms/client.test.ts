import { mkdtempDisposable } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type handleUnaryCall, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { connectKmsV1, connectKmsV2, detectKmsVersions } from "./client.ts";
import {
  type DecryptRequest,
  type DecryptResponse,
  KmsCallError,
  methodPaths,
  type StatusResponse,
  type VersionResponse,
} from "./contract.ts";
import {
  type DecryptRequestV1,
  type DecryptResponseV1,
  type EncryptRequestV1,
  type EncryptResponseV1,
  kmsV1Service,
  kmsV2Service,
  type StatusRequest,
  type VersionRequest,
} from "./messages.ts";

type ServiceV1 = Partial<{
  Version: handleUnaryCall<VersionRequest, VersionResponse>;
  Encrypt: handleUnaryCall<EncryptRequestV1, EncryptResponseV1>;
  Decrypt: handleUnaryCall<DecryptRequestV1, DecryptResponseV1>;
}>;

type ServiceV2 = Partial<{
  Status: handleUnaryCall<StatusRequest, StatusResponse>;
  Decrypt: handleUnaryCall<DecryptRequest, DecryptResponse>;
}>;

/** A socket in a folder of its own, and a gRPC server on it once `serve` is called. */
async function arrange() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-client-")));
  const path = join(folder.path, "kms.sock");
  const serve = async (services: { v1?: ServiceV1; v2?: ServiceV2 }, server = new Server()) => {
    if (services.v1 !== undefined) server.addService(kmsV1Service, services.v1);
    if (services.v2 !== undefined) server.addService(kmsV2Service, services.v2);
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
    });
    stack.defer(() => server.forceShutdown());
  };
  return { path, serve, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const statusResponse = { version: "v2", healthz: "ok", keyId: "k" };
const v2: ServiceV2 = {
  Status: (_call, respond) => respond(null, statusResponse),
};
const unanswered: ServiceV2 = { Status: () => {} };

describe("connectKmsV2", () => {
  it("calls with the authority localhost and the deadline", async () => {
    await using plugin = await arrange();
    const { promise, resolve } = Promise.withResolvers<{ host: string; hasDeadline: boolean }>();
    await plugin.serve({
      v2: {
        Status(call, respond) {
          resolve({ host: call.getHost(), hasDeadline: Number.isFinite(Number(call.getDeadline())) });
          respond(null, statusResponse);
        },
      },
    });
    using client = connectKmsV2(`unix://${plugin.path}`);
    expect(await client.status()).toEqual(statusResponse);
    expect(await promise).toEqual({ host: "localhost", hasDeadline: true });
  });

  it("waits for a plugin that is not there yet", async () => {
    await using plugin = await arrange();
    using client = connectKmsV2(plugin.path, { timeoutMs: 20_000 });
    const answer = client.status();
    await plugin.serve({ v2 });
    expect(await answer).toEqual(statusResponse);
  });

  it("fails as DeadlineExceeded when nobody ever comes", async () => {
    await using plugin = await arrange();
    using client = connectKmsV2(plugin.path, { timeoutMs: 1 });
    await expect(client.status()).rejects.toMatchObject({ grpcCode: status.DEADLINE_EXCEEDED, grpcCodeName: "DeadlineExceeded" });
  });

  it("lets a call name its own deadline", async () => {
    await using plugin = await arrange();
    await plugin.serve({ v2: unanswered });
    using client = connectKmsV2(plugin.path);
    await expect(client.status({ timeoutMs: 1 })).rejects.toMatchObject({ grpcCode: status.DEADLINE_EXCEEDED });
  });

  it("cancels a call when its signal aborts, before and while it runs", async () => {
    await using plugin = await arrange();
    const abort = new AbortController();
    const { promise: cancelled, resolve } = Promise.withResolvers<void>();
    await plugin.serve({
      v2: {
        Status(call) {
          call.on("cancelled", resolve);
          abort.abort();
        },
      },
    });
    using client = connectKmsV2(plugin.path);
    await expect(client.status({ signal: abort.signal })).rejects.toMatchObject({ grpcCode: status.CANCELLED });
    await cancelled;
    await expect(client.status({ signal: abort.signal })).rejects.toMatchObject({ grpcCode: status.CANCELLED });
  });

  it("passes the plugin's code and message on as Go prints them", async () => {
    await using plugin = await arrange();
    await plugin.serve({ v2: { Status: (_call, respond) => respond({ code: status.FAILED_PRECONDITION, details: "no key" }) } });
    using client = connectKmsV2(plugin.path);
    const failure = await client.status().catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(KmsCallError);
    expect(failure).toMatchObject({ grpcCode: 9, message: "rpc error: code = FailedPrecondition desc = no key" });
  });

  it("takes answers of 4 MiB and refuses larger ones, as grpc-go does", async () => {
    await using plugin = await arrange();
    await plugin.serve({
      v2: {
        Decrypt: (call, respond) => respond(null, { plaintext: new Uint8Array(4 * 1024 * 1024 - 5 + call.request.ciphertext.length) }),
      },
    });
    using client = connectKmsV2(plugin.path, { timeoutMs: 20_000 });
    const request = { uid: "u", keyId: "k", annotations: new Map() };
    expect((await client.decrypt({ ...request, ciphertext: new Uint8Array(0) })).plaintext).toHaveLength(4 * 1024 * 1024 - 5);
    await expect(client.decrypt({ ...request, ciphertext: new Uint8Array(1) })).rejects.toMatchObject({
      grpcCode: status.RESOURCE_EXHAUSTED,
    });
  });

  it("reports an answer that is no protobuf message", async () => {
    await using plugin = await arrange();
    const server = new Server();
    const answer: handleUnaryCall<object, object> = (_call, respond) => respond(null, {});
    server.register(
      methodPaths.v2.Status,
      answer,
      () => Buffer.from("0aff", "hex"),
      () => ({}),
      "unary",
    );
    await plugin.serve({}, server);
    using client = connectKmsV2(plugin.path);
    await expect(client.status()).rejects.toMatchObject({ grpcCode: status.INTERNAL });
  });

  it("reports a plugin that offers another version alone", async () => {
    await using plugin = await arrange();
    await plugin.serve({ v2 });
    using client = connectKmsV1(plugin.path);
    await expect(client.version()).rejects.toMatchObject({ grpcCode: status.UNIMPLEMENTED });
  });

  it("refuses an abstract socket", () => {
    expect(() => connectKmsV2("unix:///@kms")).toThrow(expect.objectContaining({ code: "abstract-socket" }));
  });
});

describe("connectKmsV1", () => {
  it("sends v1beta1 with every call", async () => {
    await using plugin = await arrange();
    await plugin.serve({
      v1: {
        Version: (call, respond) => respond(null, { version: call.request.version, runtimeName: "n", runtimeVersion: "r" }),
        Encrypt: (call, respond) => respond(null, { cipher: Buffer.concat([Buffer.from(call.request.version), call.request.plain]) }),
        Decrypt: (call, respond) => respond(null, { plain: Buffer.concat([Buffer.from(call.request.version), call.request.cipher]) }),
      },
    });
    using client = connectKmsV1(plugin.path);
    expect(await client.version()).toEqual({ version: "v1beta1", runtimeName: "n", runtimeVersion: "r" });
    expect(Buffer.from(await client.encrypt(Buffer.of(1))).toString("latin1")).toBe("v1beta1\u0001");
    expect(Buffer.from(await client.decrypt(Buffer.of(2))).toString("latin1")).toBe("v1beta1\u0002");
  });
});

describe("detectKmsVersions", () => {
  const v1: ServiceV1 = { Version: (_call, respond) => respond({ code: status.UNAVAILABLE, details: "later" }) };

  it.each([
    ["v1 alone", { v1 }, ["v1"]],
    ["v2 alone", { v2 }, ["v2"]],
    ["both", { v1, v2 }, ["v1", "v2"]],
  ])("finds %s", async (_what, services, versions) => {
    await using plugin = await arrange();
    await plugin.serve(services);
    expect(await detectKmsVersions(plugin.path)).toEqual(versions);
  });

  it("says at once when nothing listens", async () => {
    await using plugin = await arrange();
    await expect(detectKmsVersions(plugin.path)).rejects.toMatchObject({ code: "no-plugin" });
  });

  it("says when a gRPC server is none of a KMS", async () => {
    await using plugin = await arrange();
    await plugin.serve({});
    await expect(detectKmsVersions(plugin.path)).rejects.toMatchObject({ code: "no-kms-service" });
  });

  it("says when what listens does not answer", async () => {
    await using plugin = await arrange();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(plugin.path, resolve));
    await expect(detectKmsVersions(plugin.path, { timeoutMs: 20 })).rejects.toMatchObject({
      code: "plugin-silent",
      message: `What listens on ${plugin.path} did not answer within 20 ms.`,
    });
    server.close();
  });
});
