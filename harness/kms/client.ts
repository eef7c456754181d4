import { type ChannelOptions, Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { systemClock } from "../clock.ts";
import { PluginError } from "../errors.ts";
import { type CallOptions, defaultCallTimeoutMs, KmsCallError, type KmsV1, type KmsV2, type KmsVersion } from "./contract.ts";
import { type KmsMethod, kmsV1Service, kmsV2Service } from "./messages.ts";
import { requireListening, socketPathOf } from "./socket.ts";

export interface ConnectOptions {
  /** The deadline of calls that name none, milliseconds; the default is kube-apiserver's. */
  readonly timeoutMs?: number;
}

/**
 * Opens a channel to a plugin as kube-apiserver does (spec encryption-at-rest 1.1, 2.1): calls wait until the plugin can be reached, at
 * most until their deadline, and then fail as DeadlineExceeded. The channel connects at the first call.
 * @param endpoint - a path or `unix:///path`.
 * @throws PluginError when the endpoint cannot be a socket's path; who wants to know whether anybody listens asks `requireListening`.
 */
export function connectKmsV2(endpoint: string, options: ConnectOptions = {}): KmsV2 & Disposable {
  const channel = new Channel(endpoint, options);
  return {
    status: (call) => channel.call(kmsV2Service.Status, {}, call),
    encrypt: (request, call) => channel.call(kmsV2Service.Encrypt, request, call),
    decrypt: (request, call) => channel.call(kmsV2Service.Decrypt, request, call),
    [Symbol.dispose]: () => channel[Symbol.dispose](),
  };
}

/** The same for KMS v1. Unlike kube-apiserver's client it does not ask Version by itself. */
export function connectKmsV1(endpoint: string, options: ConnectOptions = {}): KmsV1 & Disposable {
  const channel = new Channel(endpoint, options);
  return {
    version: (call) => channel.call(kmsV1Service.Version, { version }, call),
    encrypt: async (plain, call) => (await channel.call(kmsV1Service.Encrypt, { version, plain }, call)).cipher,
    decrypt: async (cipher, call) => (await channel.call(kmsV1Service.Decrypt, { version, cipher }, call)).plain,
    [Symbol.dispose]: () => channel[Symbol.dispose](),
  };
}

/** One unary call of any method, in bytes: for what no message of the contract says. */
export interface RawKms {
  call(path: string, request: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
}

/** Connects as {@link connectKmsV2} does, under another HTTP/2 `:authority` where one is given. */
export function connectRaw(endpoint: string, options: ConnectOptions & { readonly authority?: string } = {}): RawKms & Disposable {
  const channel = new Channel(endpoint, options);
  return {
    call: (path, request, call) =>
      channel.call(
        { path, requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes), responseDeserialize: (bytes) => bytes },
        request,
        call,
      ),
    [Symbol.dispose]: () => channel[Symbol.dispose](),
  };
}

/**
 * Which of the two services a plugin offers, found by asking Status and Version; a service counts as offered unless the answer is
 * Unimplemented.
 * @throws PluginError `no-plugin`, `socket-forbidden`, `plugin-silent` (it accepts connections and answers neither call), or
 * `no-kms-service` (it is a gRPC server of something else).
 */
export async function detectKmsVersions(endpoint: string, options: ConnectOptions = {}): Promise<KmsVersion[]> {
  const path = socketPathOf(endpoint);
  await requireListening(path);
  using v1 = connectKmsV1(path, options);
  using v2 = connectKmsV2(path, options);
  const [codeV1, codeV2] = await Promise.all([codeOf(v1.version()), codeOf(v2.status())]);
  if (codeV1 === status.DEADLINE_EXCEEDED && codeV2 === status.DEADLINE_EXCEEDED) {
    const timeoutMs = options.timeoutMs ?? defaultCallTimeoutMs;
    throw new PluginError("plugin-silent", `What listens on ${path} did not answer within ${timeoutMs} ms.`, {
      hint: "Look at the plugin's log; it hangs, or it is no gRPC server.",
    });
  }
  const versions: KmsVersion[] = [];
  if (codeV1 !== status.UNIMPLEMENTED) versions.push("v1");
  if (codeV2 !== status.UNIMPLEMENTED) versions.push("v2");
  if (versions.length === 0) throw new PluginError("no-kms-service", `What listens on ${path} offers neither KMS v1 nor KMS v2.`);
  return versions;
}

const version = "v1beta1";

/** For a Unix socket grpc-js sends the authority `localhost` by itself, as kube-apiserver does since v1.32. */
const channelOptions: ChannelOptions = {
  // Else every channel of this process to the same socket shares one connection.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.enable_channelz": 0,
};

class Channel implements Disposable {
  #client: Client;
  #timeoutMs: number;

  constructor(endpoint: string, { timeoutMs = defaultCallTimeoutMs, authority }: ConnectOptions & { readonly authority?: string }) {
    const named = authority === undefined ? channelOptions : { ...channelOptions, "grpc.default_authority": authority };
    this.#client = new Client(`unix:${socketPathOf(endpoint)}`, credentials.createInsecure(), named);
    this.#timeoutMs = timeoutMs;
  }

  call<Request, Response>(
    method: Pick<KmsMethod<Request, Response>, "path" | "requestSerialize" | "responseDeserialize">,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    const { signal, timeoutMs = this.#timeoutMs } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(new KmsCallError(status.CANCELLED, "cancelled before it was sent"));
      const cancel = () => pending.cancel();
      const pending = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata({ waitForReady: true }),
        { deadline: systemClock.wallMs() + timeoutMs },
        (error, response) => {
          signal?.removeEventListener("abort", cancel);
          if (error !== null) reject(new KmsCallError(error.code, error.details));
          else if (response === undefined) reject(new KmsCallError(status.INTERNAL, "the call ended without an answer"));
          else resolve(response);
        },
      );
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** The gRPC code with which a call ends. */
async function codeOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return status.OK;
  } catch (thrown) {
    if (thrown instanceof KmsCallError) return thrown.grpcCode;
    throw thrown;
  }
}
