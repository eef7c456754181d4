import { once } from "node:events";
import type { Socket } from "node:net";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { type Clock, systemClock } from "../harness/clock.ts";
import { type DecryptRequest, defaultCallTimeoutMs, type EncryptRequest } from "../harness/kms/contract.ts";
import {
  type DecryptRequestV1,
  type EncryptRequestV1,
  kmsV1Service,
  kmsV2Service,
  type StatusRequest,
  type VersionRequest,
} from "../harness/kms/messages.ts";
import { listenOnSocket } from "../harness/kms/socket-server.ts";
import type { PluginCall, PluginObserver } from "./observer.ts";
import { type CallContext, ProviderFault, type ProviderFaultKind } from "./provider.ts";
import { faultOf, type KeyService } from "./service.ts";

/** How long a stopping server waits for the calls that are under way; longer than kube-apiserver's default deadline. */
const drainMsMax = 5000;
/** How long those that are then cut short have to carry their answer over. */
const farewellMsMax = 500;

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
  const server = new Server({ "grpc.enable_channelz": 0 });
  const underWay = new Set<AbortController>();
  const surroundings = { clock, observer, underWay };
  server.addService(kmsV2Service, {
    Status: unary("v2", "Status", surroundings, (_request: StatusRequest, context) => service.status(context)),
    Encrypt: unary("v2", "Encrypt", surroundings, (request: EncryptRequest, context) => service.encrypt(request, context)),
    Decrypt: unary("v2", "Decrypt", surroundings, (request: DecryptRequest, context) => service.decrypt(request, context)),
  });
  server.addService(kmsV1Service, {
    Version: unary("v1", "Version", surroundings, async (request: VersionRequest) => service.version(request)),
    Encrypt: unary("v1", "Encrypt", surroundings, (request: EncryptRequestV1, context) => service.encryptV1(request, context)),
    Decrypt: unary("v1", "Decrypt", surroundings, (request: DecryptRequestV1, context) => service.decryptV1(request, context)),
  });

  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const connections = new Set<Socket>();
  const ownSocket = await listenOnSocket(socket, {
    onConnection(connection) {
      connections.add(connection);
      connection.once("close", () => connections.delete(connection));
      injector.injectConnection(connection);
    },
    onFault,
    clock,
  });

  return {
    socket: ownSocket.path,
    async [Symbol.asyncDispose]() {
      ownSocket.close();
      // Tells the clients to go elsewhere. Its own word that all calls have ended cannot be trusted: on Node.js 24, whose HTTP/2 server
      // closes its sessions itself, it comes at once. A connection closes when the last call on it has ended.
      server.tryShutdown(() => {});
      const allClosed = Promise.allSettled([...connections].map((connection) => once(connection, "close")));
      await atMost(drainMsMax, allClosed, clock);
      for (const call of underWay) call.abort(new ProviderFault("unavailable", "The plugin is stopping."));
      await atMost(farewellMsMax, allClosed, clock);
      for (const connection of connections) connection.destroy();
      server.forceShutdown();
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

/** One method as grpc-js calls it: gives the handler its deadline, maps what it throws, and tells the observer how it went. */
function unary<Request extends Message, Response extends Message>(
  kms: PluginCall["kms"],
  method: PluginCall["method"],
  { clock, observer, underWay }: Pick<ServeOptions, "clock" | "observer"> & { readonly underWay: Set<AbortController> },
  handle: (request: Request, context: CallContext) => Promise<Response>,
) {
  return async (call: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>): Promise<void> => {
    const { request } = call;
    const uid = request.uid ?? "";
    const startMs = clock.monotonicMs();
    const observe = (grpcCode: number, message: string, bytesOut: number) =>
      observer.onCall?.({
        kms,
        method,
        uid,
        bytesIn: payloadBytes(request),
        bytesOut,
        durationMs: clock.monotonicMs() - startMs,
        grpcCode,
        message,
      });

    const giveUp = new AbortController();
    underWay.add(giveUp);
    const timeoutMs = remainingMs(call.getDeadline());
    using _timer = clock.startTimer(timeoutMs, () =>
      giveUp.abort(new ProviderFault("deadline", "The KMS did not answer before the deadline of the call.")),
    );
    // grpc-js reports the end of the deadline as a cancellation too, on a timer of its own.
    call.on("cancelled", () => {
      const isTimeOver = remainingMs(call.getDeadline()) <= 0;
      giveUp.abort(
        isTimeOver
          ? new ProviderFault("deadline", "The deadline of the call is over.")
          : new ProviderFault("cancelled", "The caller went away."),
      );
    });
    try {
      const response = await handle(request, { signal: giveUp.signal, deadlineMs: startMs + timeoutMs, uid });
      respond(null, response);
      observe(status.OK, "", payloadBytes(response));
    } catch (thrown) {
      const fault = faultOf(thrown);
      respond({ code: grpcCodes[fault.kind], details: fault.message });
      observe(grpcCodes[fault.kind], fault.message, 0);
    } finally {
      underWay.delete(giveUp);
    }
  };
}

/** A caller that names no deadline gets kube-apiserver's default. grpc-js counts deadlines in real time. */
function remainingMs(deadline: Date | number): number {
  const remaining = Number(deadline) - systemClock.wallMs();
  return Number.isFinite(remaining) ? Math.max(0, remaining) : defaultCallTimeoutMs;
}

/** Waits for `done`, but no longer than `ms`. */
async function atMost(ms: number, done: Promise<unknown>, clock: Clock): Promise<void> {
  const { promise: timeIsUp, resolve } = Promise.withResolvers<void>();
  using _timer = clock.startTimer(ms, resolve);
  await Promise.race([done, timeIsUp]);
}
