import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { ApiAccess } from "../target/target.ts";
import type { NullApiReply, NullApiWorkerOptions } from "./null-api-server-worker.ts";

export interface NullApiServerOptions {
  /** Of every answer's body. Default 1024, about what kube-apiserver answers to the create of a small Secret. */
  readonly answerBytes?: number;
}

/** What it never looks at. */
const token = "of-no-use";

/**
 * An API server that does nothing, in a thread of its own: over HTTPS with HTTP/2 it answers every request with success and the same bytes as soon as it has
 * read it. What a client measures against it is the client's own floor.
 */
export async function startNullApiServer({
  answerBytes = 1024,
}: NullApiServerOptions = {}): Promise<AsyncDisposable & { readonly api: ApiAccess }> {
  const workerData: NullApiWorkerOptions = { answerBytes };
  const worker = new Worker(new URL(`./null-api-server-worker${extname(import.meta.url)}`, import.meta.url), { workerData });
  const next = async (): Promise<NullApiReply> => {
    const [reply]: NullApiReply[] = await once(worker, "message");
    if (reply === undefined) throw new TypeError("The null server says nothing.");
    return reply;
  };
  const started = await next();
  if (!("url" in started)) throw new TypeError("The null server closed before it served.");
  return {
    api: { url: started.url, caPem: started.caPem, identity: { kind: "token", token } },
    async [Symbol.asyncDispose]() {
      const closed = next();
      worker.postMessage("close");
      await closed;
      await worker.terminate();
    },
  };
}
