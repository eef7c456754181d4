import { once } from "node:events";
import type { Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import type { Clock } from "../harness/clock.ts";
import { defaultCallTimeoutMs } from "../harness/kms/contract.ts";
import { ServerConnection, type UnaryCall, type UnaryMethod } from "../harness/kms/http2/server-connection.ts";
import { type KmsMethod, kmsV1Service, kmsV2Service } from "../harness/kms/messages.ts";
import { listenOnSocket } from "../harness/kms/socket-server.ts";
import { DeadlineWatch, type Expiring } from "./deadline-watch.ts";
import type { PluginCall, PluginObserver } from "./observer.ts";
import { type CallContext, ProviderFault, type ProviderFaultKind } from "./provider.ts";
import { faultOf, type KeyService } from "./service.ts";

/** How long a stopping server waits for the calls that are under way; longer than kube-apiserver's default deadline. */
const drainMsMax = 5000;
/** How long those that are then cut short have to carry their answer over. */
const farewellMsMax = 500;

/** A caller counts its deadline from before it sent the request, and cancels then: so much before the deadline here that is its end. */
const callerAheadMsMax = 20;

/** What the API server is told, by what went wrong (google.golang.org/grpc/codes). */
const grpcCodes: Readonly<Record<ProviderFaultKind, number>> = {
  unavailable: status.UNAVAILABLE,
  throttled: status.RESOURCE_EXHAUSTED,
  deadline: status.DEADLINE_EXCEEDED,
  "key-unusable": status.FAILED_PRECONDITION,
  "permission-denied": status.PERMISSION_DENIED,
  "invalid-ciphertext": status.INVALID_ARGUMENT,
  "invalid-request": status.INVALID_ARGUMENT,
  cancelled: status.CANCELLED,
  internal: status.INTERNAL,
};

export interface ServeOptions {
  /** A path or `unix:///path`. */
  readonly socket: string;
  readonly clock: Clock;
  readonly observer: PluginObserver;
  /** Told of what concerns no call, such as a connection that could not be accepted. */
  readonly onFault: (fault: Error) => void;
}

/** A KMS plugin that can be called; disposing of it removes the socket, waits a while for the calls under way and ends the rest. */
export interface KmsServer extends AsyncDisposable {
  /** The socket's absolute path. */
  readonly socket: string;
}

/**
 * Serves `v2` and `v1beta1` `KeyManagementService` on one Unix socket.
 * @throws PluginError where the socket cannot be had, see {@link listenOnSocket}.
 */
export async function serveKms(service: KeyService, { socket, clock, observer, onFault }: ServeOptions): Promise<KmsServer> {
  const underWay = new DeadlineWatch<ServedCall>(clock);
  const surroundings = { clock, observer, underWay };
  const [v1, v2] = [kmsV1Service, kmsV2Service];
  const methods = new Map<string, UnaryMethod>([
    [v2.Status.path, unary("v2", "Status", v2.Status, surroundings, (_request, context) => service.status(context))],
    [v2.Encrypt.path, unary("v2", "Encrypt", v2.Encrypt, surroundings, (request, context) => service.encrypt(request, context))],
    [v2.Decrypt.path, unary("v2", "Decrypt", v2.Decrypt, surroundings, (request, context) => service.decrypt(request, context))],
    [v1.Version.path, unary("v1", "Version", v1.Version, surroundings, async (request) => service.version(request))],
    [v1.Encrypt.path, unary("v1", "Encrypt", v1.Encrypt, surroundings, (request, context) => service.encryptV1(request, context))],
    [v1.Decrypt.path, unary("v1", "Decrypt", v1.Decrypt, surroundings, (request, context) => service.decryptV1(request, context))],
  ]);

  const connections = new Map<Socket, ServerConnection>();
  const ownSocket = await listenOnSocket(socket, {
    onConnection(connection) {
      connections.set(connection, new ServerConnection(connection, { methods, clock }));
      connection.once("close", () => connections.delete(connection));
    },
    onFault,
    clock,
  });

  return {
    socket: ownSocket.path,
    async [Symbol.asyncDispose]() {
      using _underWay = underWay;
      ownSocket.close();
      const allClosed = Promise.allSettled([...connections.keys()].map((connection) => once(connection, "close")));
      for (const connection of connections.values()) connection.shutDown();
      await atMost(drainMsMax, allClosed, clock);
      for (const call of underWay.watched) call.giveUp(new ProviderFault("unavailable", "The plugin is stopping."));
      await atMost(farewellMsMax, allClosed, clock);
      for (const connection of connections.keys()) connection.destroy();
    },
  };
}

/** What the twelve messages have that a log line and a context are made of. */
interface Message {
  readonly version?: string;
  readonly uid?: string;
  readonly plaintext?: Uint8Array;
  readonly ciphertext?: Uint8Array;
  readonly plain?: Uint8Array;
  readonly cipher?: Uint8Array;
}

function payloadBytes({ plaintext, ciphertext, plain, cipher }: Message): number {
  return (plaintext ?? ciphertext ?? plain ?? cipher)?.length ?? 0;
}

/** A call that its method has not answered. Its signal is made only for a provider that asks for it: most answer before anybody could. */
class ServedCall implements CallContext, Expiring {
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly uid: string;
  #giveUp: AbortController | undefined;
  #reason: ProviderFault | undefined;

  constructor(startMs: number, timeoutMs: number, uid: string) {
    this.startMs = startMs;
    this.deadlineMs = startMs + timeoutMs;
    this.uid = uid;
  }

  get signal(): AbortSignal {
    if (this.#giveUp === undefined) {
      this.#giveUp = new AbortController();
      if (this.#reason !== undefined) this.#giveUp.abort(this.#reason);
    }
    return this.#giveUp.signal;
  }

  giveUp(reason: ProviderFault): void {
    this.#reason ??= reason;
    this.#giveUp?.abort(this.#reason);
  }

  expire(): void {
    this.giveUp(new ProviderFault("deadline", "The KMS did not answer before the deadline of the call."));
  }
}

/** One method as the connection calls it: gives the handler its deadline, maps what it throws, and tells the observer how it went. */
function unary<Request extends Message, Response extends Message>(
  kms: PluginCall["kms"],
  method: PluginCall["method"],
  { requestDeserialize, responseSerialize }: Pick<KmsMethod<Request, Response>, "requestDeserialize" | "responseSerialize">,
  { clock, observer, underWay }: Pick<ServeOptions, "clock" | "observer"> & { readonly underWay: DeadlineWatch<ServedCall> },
  handle: (request: Request, context: CallContext) => Promise<Response>,
): UnaryMethod {
  return (call: UnaryCall): void => {
    const startMs = clock.monotonicMs();
    let request: Request;
    try {
      request = requestDeserialize(call.message);
    } catch {
      call.fail(status.INTERNAL, "The request is no message of this method.");
      return;
    }
    const { uid = "" } = request;
    const context = new ServedCall(startMs, call.timeoutMs ?? defaultCallTimeoutMs, uid);
    underWay.add(context);
    call.onCancel = () => {
      const isTimeOver = context.deadlineMs - clock.monotonicMs() <= callerAheadMsMax;
      context.giveUp(
        isTimeOver
          ? new ProviderFault("deadline", "The deadline of the call is over.")
          : new ProviderFault("cancelled", "The caller went away."),
      );
    };
    const end = (grpcCode: number, message: string, bytesOut: number) => {
      underWay.delete(context);
      const durationMs = clock.monotonicMs() - startMs;
      observer.onCall?.({ kms, method, uid, bytesIn: payloadBytes(request), bytesOut, durationMs, grpcCode, message });
    };
    const fail = (thrown: unknown) => {
      const { kind, message } = faultOf(thrown);
      call.fail(grpcCodes[kind], message);
      end(grpcCodes[kind], message, 0);
    };
    handle(request, context).then((response) => {
      call.answer(responseSerialize(response));
      end(status.OK, "", payloadBytes(response));
    }, fail);
  };
}

/** Waits for `done`, but no longer than `ms`. */
async function atMost(ms: number, done: Promise<unknown>, clock: Clock): Promise<void> {
  const { promise: timeIsUp, resolve } = Promise.withResolvers<void>();
  using _timer = clock.startTimer(ms, resolve);
  await Promise.race([done, timeIsUp]);
}
