import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { PluginError } from "../errors.ts";
import type { NullKmsReply, NullKmsWorkerOptions } from "./null-kms-server-worker.ts";

export interface NullKmsServerOptions {
  /** Where to listen: a path of a Unix socket. */
  readonly socket: string;
  /** Of every answer, encoded; at most some 16 KB. */
  readonly message: Uint8Array;
}

/**
 * A plugin that does nothing, in a thread of its own: it answers every call with the same message as soon as it has read it. What a client measures
 * against it is the client's own floor, on the same kind of socket as a plugin's.
 * @throws PluginError when the path cannot be a socket's, or somebody listens there already.
 */
export async function startNullKmsServer({
  socket,
  message,
}: NullKmsServerOptions): Promise<AsyncDisposable & { readonly socket: string }> {
  const workerData: NullKmsWorkerOptions = { listen: socket, message };
  const worker = new Worker(new URL(`./null-kms-server-worker${extname(import.meta.url)}`, import.meta.url), { workerData });
  const next = async (): Promise<NullKmsReply> => {
    const [reply]: NullKmsReply[] = await once(worker, "message");
    if (reply === undefined) throw new TypeError("The null server says nothing.");
    return reply;
  };
  const started = await next();
  if (!("socket" in started)) {
    await worker.terminate();
    if ("code" in started) throw new PluginError(started.code, started.message, started.hint === undefined ? {} : { hint: started.hint });
    throw new TypeError("The null server closed before it served.");
  }
  return {
    socket: started.socket,
    async [Symbol.asyncDispose]() {
      const closed = next();
      worker.postMessage("close");
      await closed;
      await worker.terminate();
    },
  };
}
