import { chmodSync } from "node:fs";
import type { Socket } from "node:net";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { type DecryptRequest, type EncryptRequest, KmsCallError, type KmsVersion } from "../../harness/kms/contract.ts";
import { type DecryptRequestV1, type EncryptRequestV1, type KmsMethod, kmsV1Service, kmsV2Service } from "../../harness/kms/messages.ts";
import { listenOnSocket, type OwnSocket } from "../../harness/kms/socket-server.ts";
import type { Defect } from "./defect.ts";
import { HealthyPlugin, type IncomingCall } from "./healthy-plugin.ts";

/** A plugin for tests that serves until it is disposed of, or dies of a defect. */
export interface DefectivePlugin extends AsyncDisposable {
  rotate(): Promise<void>;
  /** Stops and comes back on the same socket, with its keys unless a defect forgets them. */
  restart(): Promise<void>;
}

export interface DefectivePluginOptions {
  /** Path of the socket. */
  readonly socket: string;
  readonly defects: readonly Defect[];
}

/** Serves KMS v2 and v1beta1 with all of the defects, or none. */
export async function startDefectivePlugin({ socket, defects }: DefectivePluginOptions): Promise<DefectivePlugin> {
  const plugin = new HealthyPlugin();
  for (const defect of defects) defect.spoil(plugin);
  let serving = await serve(plugin, socket);
  return {
    rotate: async () => plugin.rotate(),
    async restart() {
      serving.stop();
      plugin.starts++;
      plugin.restarted();
      serving = await serve(plugin, socket);
    },
    [Symbol.asyncDispose]: async () => serving.stop(),
  };
}

interface Serving {
  stop(): void;
}

async function serve(plugin: HealthyPlugin, path: string): Promise<Serving> {
  const server = new Server({ "grpc.enable_channelz": 0 });
  const connections = new Set<Socket>();
  let connectionCount = 0;
  let own: OwnSocket | undefined;
  const breakOff = () => {
    for (const connection of connections) connection.destroy();
  };
  const stop = () => {
    own?.close();
    server.forceShutdown();
    breakOff();
  };
  plugin.die = stop;
  plugin.dieAndReturn = breakOff;
  const parts = { plugin };
  server.addService(spoiledService(kmsV2Service, plugin), {
    Status: unary(parts, "v2", "Status", async () => plugin.status()),
    Encrypt: unary(parts, "v2", "Encrypt", async ({ plaintext, uid }: EncryptRequest) => {
      const annotations = plugin.annotations(plaintext);
      const keyId = plugin.encryptKeyId();
      return {
        ciphertext: await plugin.after(plugin.seal(plaintext, { kms: "v2", keyId: plugin.keyId(), annotations, uid })),
        keyId,
        annotations,
      };
    }),
    Decrypt: unary(parts, "v2", "Decrypt", async ({ ciphertext, keyId, annotations, uid }: DecryptRequest) => ({
      plaintext: await plugin.after(plugin.open(ciphertext, { kms: "v2", keyId, annotations, uid })),
    })),
  });
  const nothing = { kms: "v1", keyId: "", annotations: new Map(), uid: "" } as const;
  server.addService(spoiledService(kmsV1Service, plugin), {
    Version: unary(parts, "v1", "Version", async () => plugin.version()),
    Encrypt: unary(parts, "v1", "Encrypt", async ({ plain }: EncryptRequestV1) => ({
      cipher: await plugin.after(plugin.seal(plain, nothing)),
    })),
    Decrypt: unary(parts, "v1", "Decrypt", async ({ cipher }: DecryptRequestV1) => ({
      plain: await plugin.after(plugin.open(cipher, nothing)),
    })),
  });
  if (plugin.answersUnknownMethods) {
    for (const service of ["v2.KeyManagementService", "v1beta1.KeyManagementService"]) {
      const echo = {
        path: `/${service}/NoSuchMethod`,
        requestStream: false,
        responseStream: false,
        requestSerialize: Buffer.from,
        requestDeserialize: Buffer.from,
        responseSerialize: Buffer.from,
        responseDeserialize: Buffer.from,
      } as const;
      server.addService(
        { NoSuchMethod: echo },
        { NoSuchMethod: (_call: unknown, respond: sendUnaryData<Buffer>) => respond(null, Buffer.alloc(0)) },
      );
    }
  }

  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  own = await listenOnSocket(path, {
    onConnection(connection) {
      connectionCount++;
      if (connectionCount > plugin.connectionsMax) {
        connection.destroy();
        return;
      }
      connections.add(connection);
      connection.once("close", () => connections.delete(connection));
      injector.injectConnection(connection);
    },
    onFault: () => {},
  });
  chmodSync(path, plugin.socketMode);
  return { stop };
}

/** The service with a decoder that takes more, or less, than it should. */
function spoiledService<Methods extends Record<string, Pick<KmsMethod<unknown, unknown>, "requestDeserialize">>>(
  service: Methods,
  plugin: HealthyPlugin,
): Methods {
  if (!plugin.toleratesMalformed && !plugin.refusesUnknownFields) return service;
  const methods = Object.entries(service).map(([name, method]) => {
    const requestDeserialize = (bytes: Uint8Array): unknown => {
      if (plugin.refusesUnknownFields && fieldsOf(bytes).some((field) => field > 4)) throw new Error("unknown field");
      try {
        return method.requestDeserialize(bytes);
      } catch (thrown) {
        if (!plugin.toleratesMalformed) throw thrown;
        return method.requestDeserialize(new Uint8Array(0));
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.assign({}, service, Object.fromEntries(methods));
}

function fieldsOf(bytes: Uint8Array): number[] {
  const reader = new BinaryReader(bytes);
  const fields: number[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    fields.push(field);
    reader.skip(wireType);
  }
  return fields;
}

/** The plaintext or ciphertext of a request; empty where it carries none. */
function payloadOf(request: object): Uint8Array {
  const found = Object.entries(request).find(([name]) => ["plaintext", "plain", "ciphertext", "cipher"].includes(name))?.[1];
  return found instanceof Uint8Array ? found : new Uint8Array(0);
}

function unary<Request extends object, Response>(
  { plugin }: { readonly plugin: HealthyPlugin },
  kms: KmsVersion,
  method: IncomingCall["method"],
  handle: (request: Request) => Promise<Response>,
) {
  return async (call: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>): Promise<void> => {
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort());
    const payload = payloadOf(call.request);
    try {
      await plugin.before({ kms, method, authority: call.getHost(), payload, signal: gone.signal });
      respond(null, await handle(call.request));
    } catch (thrown) {
      const code = thrown instanceof KmsCallError ? thrown.grpcCode : status.UNKNOWN;
      respond({ code, details: thrown instanceof Error ? thrown.message : "fault" });
    }
  };
}
