import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import type { Clock } from "../../harness/clock.ts";
import {
  type DecryptRequest,
  type DecryptResponse,
  type EncryptRequest,
  type EncryptResponse,
  grpcCodeNames,
  KmsCallError,
  type KmsVersion,
  type StatusResponse,
  type VersionResponse,
} from "../../harness/kms/contract.ts";
import {
  type DecryptRequestV1,
  type EncryptRequestV1,
  kmsV1Service,
  kmsV2Service,
  type VersionRequest,
} from "../../harness/kms/messages.ts";
import { listenOnSocket, type OwnSocket } from "../../harness/kms/socket-server.ts";

/** A call that an API server made, as the plugin saw it. Of a plaintext it keeps the length and the hash alone. */
export interface KmsCall {
  readonly kms: KmsVersion;
  readonly method: "Status" | "Version" | "Encrypt" | "Decrypt";
  /** By the plugin's clock, when the request came. */
  readonly atMs: number;
  /** HTTP/2's `:authority`. */
  readonly authority: string;
  /** KMS v1's `version` field; empty for v2. */
  readonly version: string;
  /** KMS v2 only; empty otherwise. */
  readonly uid: string;
  /** Of a Decrypt's request; empty otherwise. */
  readonly keyId: string;
  /** Of an Encrypt's request: its length in bytes and its SHA-256 in hex. */
  readonly plaintext: { readonly length: number; readonly sha256: string; readonly isPing: boolean } | undefined;
  /** Of a Decrypt's request, or of an Encrypt's answer once it was given. */
  ciphertext: Uint8Array | undefined;
  /** Of a Decrypt's request, or of an Encrypt's answer. */
  annotations: ReadonlyMap<string, Uint8Array>;
}

/**
 * What the plugin does instead of answering honestly: each is given the request and the honest answer, and returns what to say. A
 * KmsCallError that it throws is the call's gRPC status; a promise that never settles is a call that is never answered.
 */
export interface KmsScript {
  readonly status?: (honest: StatusResponse) => StatusResponse | Promise<StatusResponse>;
  readonly encrypt?: (honest: EncryptResponse, request: EncryptRequest) => EncryptResponse | Promise<EncryptResponse>;
  readonly decrypt?: (honest: DecryptResponse, request: DecryptRequest) => DecryptResponse | Promise<DecryptResponse>;
  readonly version?: (honest: VersionResponse) => VersionResponse | Promise<VersionResponse>;
  readonly encryptV1?: (honest: Uint8Array, plain: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  readonly decryptV1?: (honest: Uint8Array, cipher: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

/**
 * A KMS plugin for v2 and v1beta1 that checks of an API server play with: honest as long as its {@link script} is empty, and a witness of
 * every call. Its keys are AES-256-GCM keys in memory, one a key_id. It stands where the tap stands in a benchmark: what a check has to
 * change (another key_id, a ciphertext of 1025 bytes) is inside of the messages, which a tap passes on as they are.
 */
export class ScriptedKms implements AsyncDisposable {
  /** The key that Status names and Encrypt uses; a new name makes a new key. */
  keyId = "key-1";
  annotations: ReadonlyMap<string, Uint8Array> = new Map([["version.kms.kmsmark.test", Uint8Array.of(1)]]);
  script: KmsScript = {};
  readonly #clock: Clock;
  readonly #calls: KmsCall[] = [];
  readonly #keys = new Map<string, Buffer>();
  readonly #server = new Server({ "grpc.enable_channelz": 0 });
  readonly #connections = new Set<Socket>();
  #socket: OwnSocket | undefined;

  private constructor(clock: Clock) {
    this.#clock = clock;
    this.#serve();
  }

  /** Listens on a socket. @throws PluginError as `listenOnSocket` does. */
  static async start(socket: string, clock: Clock): Promise<ScriptedKms> {
    const kms = new ScriptedKms(clock);
    const injector = kms.#server.createConnectionInjector(ServerCredentials.createInsecure());
    kms.#socket = await listenOnSocket(socket, {
      onConnection(connection) {
        kms.#connections.add(connection);
        connection.once("close", () => kms.#connections.delete(connection));
        injector.injectConnection(connection);
      },
      onFault: () => {},
    });
    return kms;
  }

  get socket(): string {
    if (this.#socket === undefined) throw new Error("The plugin does not listen.");
    return this.#socket.path;
  }

  /** All calls until now, in the order in which they came. */
  get calls(): readonly KmsCall[] {
    return this.#calls;
  }

  /** A place in {@link calls}, to ask later what came since. */
  get mark(): number {
    return this.#calls.length;
  }

  /** The calls since a mark, of one method where it is named. */
  since(mark: number, method?: KmsCall["method"]): readonly KmsCall[] {
    return this.#calls.slice(mark).filter((call) => method === undefined || call.method === method);
  }

  /** Encrypts with the current key, without counting as a call: key's name(32) ‖ nonce(12) ‖ ciphertext ‖ tag(16). */
  seal(plaintext: Uint8Array): Uint8Array {
    const name = createHash("sha256").update(this.keyId).digest();
    const key = this.#keys.get(name.toString("hex")) ?? randomBytes(32);
    this.#keys.set(name.toString("hex"), key);
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    return Buffer.concat([name, nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  /** Decrypts what was sealed with any of its keys, without counting as a call. @throws KmsCallError */
  open(ciphertext: Uint8Array): Uint8Array {
    const bytes = Buffer.from(ciphertext);
    const key = this.#keys.get(bytes.subarray(0, 32).toString("hex"));
    if (key === undefined || bytes.length < 60) throw new KmsCallError(status.INVALID_ARGUMENT, "unknown key or broken ciphertext");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(32, 44)).setAuthTag(bytes.subarray(-16));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(44, -16)), decipher.final()]);
    } catch {
      throw new KmsCallError(status.INVALID_ARGUMENT, "the ciphertext is not authentic");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.close();
    this.#server.forceShutdown();
    for (const connection of this.#connections) connection.destroy();
  }

  #serve(): void {
    this.#server.addService(kmsV2Service, {
      Status: this.#unary("v2", "Status", async () => {
        const honest = { version: "v2", healthz: "ok", keyId: this.keyId };
        return (await this.script.status?.(honest)) ?? honest;
      }),
      Encrypt: this.#unary("v2", "Encrypt", async (request: EncryptRequest, call) => {
        const honest = { ciphertext: this.seal(request.plaintext), keyId: this.keyId, annotations: this.annotations };
        const answer = (await this.script.encrypt?.(honest, request)) ?? honest;
        call.ciphertext = answer.ciphertext;
        call.annotations = answer.annotations;
        return answer;
      }),
      Decrypt: this.#unary("v2", "Decrypt", async (request: DecryptRequest) => {
        const { decrypt } = this.script;
        if (decrypt === undefined) return { plaintext: this.open(request.ciphertext) };
        return decrypt(this.#openOrNothing(request.ciphertext), request);
      }),
    });
    this.#server.addService(kmsV1Service, {
      Version: this.#unary("v1", "Version", async (_request: VersionRequest) => {
        const honest = { version: "v1beta1", runtimeName: "kmsmark", runtimeVersion: "1" };
        return (await this.script.version?.(honest)) ?? honest;
      }),
      Encrypt: this.#unary("v1", "Encrypt", async ({ plain }: EncryptRequestV1, call) => {
        const honest = this.seal(plain);
        const cipher = (await this.script.encryptV1?.(honest, plain)) ?? honest;
        call.ciphertext = cipher;
        return { cipher };
      }),
      Decrypt: this.#unary("v1", "Decrypt", async ({ cipher }: DecryptRequestV1) => {
        const { decryptV1 } = this.script;
        if (decryptV1 === undefined) return { plain: this.open(cipher) };
        return { plain: await decryptV1(this.#openOrNothing(cipher).plaintext, cipher) };
      }),
    });
  }

  /** A script may answer for a ciphertext that this plugin never made. */
  #openOrNothing(ciphertext: Uint8Array): DecryptResponse {
    try {
      return { plaintext: this.open(ciphertext) };
    } catch {
      return { plaintext: new Uint8Array(0) };
    }
  }

  #unary<Request extends KmsRequest, Response>(
    kms: KmsVersion,
    method: KmsCall["method"],
    handle: (request: Request, call: KmsCall) => Promise<Response>,
  ) {
    return async (wire: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>): Promise<void> => {
      const call = recordOf(kms, method, wire.request, { authority: wire.getHost(), atMs: this.#clock.monotonicMs() });
      this.#calls.push(call);
      try {
        respond(null, await handle(wire.request, call));
      } catch (thrown) {
        const code = thrown instanceof KmsCallError ? thrown.grpcCode : status.UNKNOWN;
        respond({
          code,
          details: thrown instanceof KmsCallError ? `${grpcCodeNames[code]} on request` : "the script of the plugin failed",
        });
      }
    };
  }
}

/** What the requests have that a record is made of. */
interface KmsRequest {
  readonly version?: string;
  readonly uid?: string;
  readonly keyId?: string;
  readonly plaintext?: Uint8Array;
  readonly plain?: Uint8Array;
  readonly ciphertext?: Uint8Array;
  readonly cipher?: Uint8Array;
  readonly annotations?: ReadonlyMap<string, Uint8Array>;
}

const ping = Buffer.from("ping");

function recordOf(
  kms: KmsVersion,
  method: KmsCall["method"],
  { version = "", uid = "", keyId = "", ...request }: KmsRequest,
  seen: Pick<KmsCall, "authority" | "atMs">,
): KmsCall {
  const plaintext = request.plaintext ?? request.plain;
  return {
    ...{ kms, method, version, uid, keyId, ...seen },
    plaintext: plaintext && {
      length: plaintext.length,
      sha256: createHash("sha256").update(plaintext).digest("hex"),
      isPing: ping.equals(plaintext),
    },
    ciphertext: request.ciphertext ?? request.cipher,
    annotations: request.annotations ?? new Map(),
  };
}
