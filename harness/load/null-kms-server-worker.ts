import type { Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { PluginError } from "../errors.ts";
import { listenOnSocket, type OwnSocket } from "../kms/socket-server.ts";
import { NullKmsConnection } from "./null-kms-connection.ts";

/** What can go to another thread of the options of a null server. */
export interface NullKmsWorkerOptions {
  readonly listen: string;
  readonly message: Uint8Array;
}

/** Told once at the start, and once when everything is closed. */
export type NullKmsReply =
  | { readonly socket: string }
  | { readonly code: string; readonly message: string; readonly hint: string | undefined }
  | { readonly isClosed: true };

// Written by `startNullKmsServer`, and by nobody else.
const { listen, message }: NullKmsWorkerOptions = workerData;
const port = parentPort;
const open = new Set<Socket>();

const onConnection = (socket: Socket) => {
  open.add(socket);
  socket.once("close", () => open.delete(socket));
  new NullKmsConnection(socket, message);
};

let server: OwnSocket | undefined;
try {
  server = await listenOnSocket(listen, { onConnection, onFault: () => {} });
  port?.postMessage({ socket: server.path } satisfies NullKmsReply);
} catch (thrown) {
  if (!(thrown instanceof PluginError)) throw thrown;
  const { code, message: reason, hint } = thrown;
  port?.postMessage({ code, message: reason, hint } satisfies NullKmsReply);
}

// Whatever it is told, it is to end.
port?.once("message", () => {
  server?.close();
  for (const socket of open) socket.destroy();
  port.postMessage({ isClosed: true } satisfies NullKmsReply);
});
