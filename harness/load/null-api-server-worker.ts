import { once } from "node:events";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import { parentPort, workerData } from "node:worker_threads";
import { issueServerCertificates } from "../target/certificates.ts";

/** What goes to the thread. */
export interface NullApiWorkerOptions {
  readonly answerBytes: number;
}

/** Told once at the start, and once when everything is closed. */
export type NullApiReply = { readonly url: string; readonly caPem: string } | { readonly isClosed: true };

// Written by `startNullApiServer`, and by nobody else.
const { answerBytes }: NullApiWorkerOptions = workerData;
const port = parentPort;
const body = Buffer.alloc(answerBytes, "x");
const sessions = new Set<ServerHttp2Session>();

const { caPem, certificatePem, keyPem } = await issueServerCertificates();
const server = createSecureServer({ cert: certificatePem, key: keyPem, settings: { maxConcurrentStreams: 1000 } });
server.on("session", (session) => {
  sessions.add(session);
  session.once("close", () => sessions.delete(session));
});
server.on("sessionError", (_error, session) => session.destroy());
server.on("stream", (stream, headers) => {
  // A client that goes before its answer is no fault.
  stream.on("error", () => {});
  stream.resume();
  stream.once("end", () => {
    stream.respond({ ":status": headers[":method"] === "POST" ? 201 : 200, "content-type": "application/json" });
    stream.end(body);
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new TypeError("The null server listens on a TCP port.");
port?.postMessage({ url: `https://127.0.0.1:${address.port}`, caPem } satisfies NullApiReply);

// Whatever it is told, it is to end.
port?.once("message", () => {
  for (const session of sessions) session.destroy();
  server.close(() => port.postMessage({ isClosed: true } satisfies NullApiReply));
});
