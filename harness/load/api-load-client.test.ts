import { once } from "node:events";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import {
  errorCodes,
  type Frame,
  FrameSplitter,
  frameBytes,
  frameFlags,
  frameTypes,
  headersBytes,
  settings,
  settingsBytes,
  windowUpdateBytes,
} from "../kms/http2/frames.ts";
import { encodeLiterals } from "../kms/http2/hpack.ts";
import { issueServerCertificates, type ServerCertificates } from "../target/certificates.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { type ApiLoad, ApiLoadClient, type ApiLoadOptions, openApiLoad } from "./api-load-client.ts";
import type { LoadRequest } from "./load-request.ts";
import { startNullApiServer } from "./null-api-server.ts";

let certificates: ServerCertificates;
let others: ServerCertificates;

beforeAll(async () => {
  [certificates, others] = await Promise.all([issueServerCertificates(), issueServerCertificates()]);
});

const token = { kind: "token", token: "not-a-real-token" } as const;

function optionsFor(port: number, more: Partial<ApiLoadOptions> = {}): ApiLoadOptions {
  const api = { url: `https://127.0.0.1:${port}`, caPem: certificates.caPem, identity: token };
  return { api, inFlightMax: 32, clock: systemClock, ...more };
}

interface Done {
  readonly status: number;
  readonly failure: string | undefined;
}

/** Sends all requests at once, and resolves to what came of each when all are over; every one must be told of once. */
function sendAll(load: ApiLoad, requests: readonly LoadRequest[]): { readonly done: Promise<Done[]>; abort(reason: string): void } {
  const sender = load.sender(requests);
  const done: Done[] = [];
  const all = Promise.withResolvers<Done[]>();
  let isSending = true;
  let left = requests.length;
  sender.onDone = (index, status, failure) => {
    if (isSending) all.reject(new Error("It told of a request from inside send."));
    if (done[index] !== undefined) all.reject(new Error(`It told of request ${index} twice.`));
    done[index] = { status, failure };
    if (--left === 0) all.resolve(done);
  };
  for (const index of requests.keys()) sender.send(index);
  sender.flush();
  isSending = false;
  return { done: all.promise, abort: (reason) => sender.abort(reason) };
}

const get = (path: string): LoadRequest => ({ method: "GET", path });
const post = (body: Buffer): LoadRequest => ({ method: "POST", path: "/api/v1/namespaces/a/secrets", body, names: ["a/db", "db"] });
const ok = { status: 200, failure: undefined };

/** A server of Node.js's own HTTP/2. */
class GoodServer implements AsyncDisposable {
  readonly #server: Http2SecureServer;
  readonly sessions: ServerHttp2Session[] = [];
  /** Of each connection, whether the client's certificate is right. */
  readonly authorized: boolean[] = [];
  readonly port: number;

  private constructor(server: Http2SecureServer) {
    this.#server = server;
    this.port = portOf(server);
    server.on("session", (session) => this.sessions.push(session));
    server.on("sessionError", () => {});
    server.on("secureConnection", (socket: TLSSocket) => this.authorized.push(socket.authorized));
  }

  static async start(
    onRequest: (stream: ServerHttp2Stream, headers: Record<string, string>, body: Buffer) => void,
    more: { readonly shown?: ServerCertificates; readonly maxConcurrentStreams?: number; readonly asksForCertificate?: boolean } = {},
  ): Promise<GoodServer> {
    const { shown = certificates, maxConcurrentStreams = 100, asksForCertificate = false } = more;
    const server = createSecureServer({
      cert: shown.certificatePem,
      key: shown.keyPem,
      settings: { maxConcurrentStreams },
      ...(asksForCertificate ? { requestCert: true, ca: others.caPem } : {}),
    });
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.once("end", () => {
        if (headers[":path"] === "/livez") reply(stream, 200, "ok");
        else
          onRequest(
            stream,
            Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
            Buffer.concat(pieces),
          );
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new GoodServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function reply(stream: ServerHttp2Stream, status: number, body: Buffer | string = ""): void {
  stream.respond({ ":status": status });
  stream.end(body);
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server does not listen.");
  return address.port;
}

/** One connection of a server that speaks in frames. */
class Peer {
  readonly socket: TLSSocket;
  /** Complete requests that have not been answered, by stream id, with their bodies. */
  readonly requests = new Map<number, Buffer>();

  constructor(socket: TLSSocket) {
    this.socket = socket;
  }

  answer(streamId: number, status = 200, body = "{}"): void {
    this.requests.delete(streamId);
    this.send(headers(streamId, 0, status), frameBytes(frameTypes.data, frameFlags.endStream, streamId, Buffer.from(body)));
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }
}

function headers(streamId: number, flags: number, status: number | string): Buffer {
  return headersBytes(streamId, flags, encodeLiterals([[":status", String(status)]])).fill(streamId, 8, 9);
}

/** Called for every complete request but the first of a connection, which is answered. */
type OnRequest = (peer: Peer, streamId: number, connection: number) => void;

/** A server that does what RFC 9113 asks for and what a test wants beyond it, frame by frame. */
class FrameServer implements AsyncDisposable {
  readonly #server = createTlsServer({ cert: certificates.certificatePem, key: certificates.keyPem, ALPNProtocols: ["h2"] });
  readonly #peers: Peer[] = [];
  readonly #onRequest: OnRequest;
  readonly #beginning: Buffer;
  readonly #onFrame: (peer: Peer, frame: Frame) => void;

  private constructor(onRequest: OnRequest, beginning: Buffer, onFrame: (peer: Peer, frame: Frame) => void) {
    this.#onRequest = onRequest;
    this.#beginning = beginning;
    this.#onFrame = onFrame;
    this.#server.on("secureConnection", (socket) => this.#accept(socket));
  }

  static async start(
    onRequest: OnRequest,
    { beginning = settingsBytes([]), onFrame = () => {} }: { beginning?: Buffer; onFrame?: (peer: Peer, frame: Frame) => void } = {},
  ): Promise<FrameServer> {
    const server = new FrameServer(onRequest, beginning, onFrame);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    return portOf(this.#server);
  }

  get connections(): number {
    return this.#peers.length;
  }

  #accept(socket: TLSSocket): void {
    const connection = this.#peers.length;
    const peer = new Peer(socket);
    const splitter = new FrameSplitter(true);
    this.#peers.push(peer);
    socket.on("error", () => {});
    socket.write(this.#beginning);
    socket.on("data", (chunk: Buffer) => {
      for (const frame of splitter.split(chunk)) this.#read(peer, frame, connection);
    });
  }

  #read(peer: Peer, frame: Frame, connection: number): void {
    // One that has not begun to speak stays silent.
    if (this.#beginning.length === 0) return;
    this.#onFrame(peer, frame);
    const { type, flags, streamId, payload } = frame;
    if (type === frameTypes.settings && (flags & frameFlags.ack) === 0) peer.send(frameBytes(type, frameFlags.ack, 0, Buffer.alloc(0)));
    if (type !== frameTypes.headers && type !== frameTypes.data) return;
    const body = Buffer.concat([peer.requests.get(streamId) ?? Buffer.alloc(0), type === frameTypes.data ? payload : Buffer.alloc(0)]);
    peer.requests.set(streamId, body);
    if ((flags & frameFlags.endStream) === 0) return;
    if (streamId === 1) peer.answer(1);
    else this.#onRequest(peer, streamId, connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.#peers) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Answers nothing until `count` requests are there, and then does `act` once. */
function whenThere(count: number, act: (peer: Peer, streamIds: number[]) => void): OnRequest {
  return (peer, _streamId, connection) => {
    if (connection === 0 && peer.requests.size === count) act(peer, [...peer.requests.keys()]);
    else if (connection > 0) for (const id of [...peer.requests.keys()]) peer.answer(id);
  };
}

describe("a load over HTTP/2", () => {
  it("asks what it is told to ask, and proves who it is", async () => {
    const asked: string[] = [];
    await using server = await GoodServer.start((stream, given, body) => {
      asked.push(
        [given[":method"], given[":path"], given["content-type"], given["content-length"], given["authorization"], body.toString()].join(
          " ",
        ),
      );
      reply(stream, 201, "{}");
    });
    await using load = await openApiLoad(optionsFor(server.port));
    const patch = { method: "PATCH", path: "/a?b=c", body: Buffer.from("[]"), contentType: "application/merge-patch+json" } as const;
    const { done } = sendAll(load, [post(Buffer.from('{"kind":"Secret"}')), get("/b"), patch, { method: "DELETE", path: "/c" }]);
    expect(await done).toEqual(Array(4).fill({ status: 201, failure: undefined }));
    expect(load.protocol).toBe("h2");
    expect(asked).toEqual([
      'POST /api/v1/namespaces/a/secrets application/json 17 Bearer not-a-real-token {"kind":"Secret"}',
      "GET /b   Bearer not-a-real-token ",
      "PATCH /a?b=c application/merge-patch+json 2 Bearer not-a-real-token []",
      "DELETE /c   Bearer not-a-real-token ",
    ]);
  });

  it("shows its certificate where that is its identity, and no token", async () => {
    const seen: unknown[] = [];
    await using server = await GoodServer.start(
      (stream, given) => {
        seen.push(given["authorization"]);
        reply(stream, 200);
      },
      { asksForCertificate: true },
    );
    const identity = { kind: "certificate", certificatePem: others.certificatePem, keyPem: others.keyPem } as const;
    const api = { url: `https://127.0.0.1:${server.port}`, caPem: certificates.caPem, identity };
    await using load = await openApiLoad(optionsFor(server.port, { api }));
    expect(await sendAll(load, [get("/a")]).done).toEqual([ok]);
    expect(seen).toEqual([undefined]);
    expect(server.authorized).toEqual([true]);
  });

  it("tells every status, and why what is no success failed", async () => {
    const statuses = [200, 201, 202, 204, 301, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503, 504];
    await using server = await GoodServer.start((stream, given) => {
      const status = Number(given[":path"]?.slice(1));
      const fault = { kind: "Status", message: `secrets "db" is ${status}`, reason: "Reason" };
      reply(stream, status, status === 301 ? "<html>" : JSON.stringify(fault));
    });
    await using load = await openApiLoad(optionsFor(server.port));
    const requests = statuses.map((status): LoadRequest => ({ ...get(`/${status}`), names: ["db"], expected: 404 }));
    const failures = statuses.map((status) => {
      if (status < 300 || status === 404) return undefined;
      return status === 301 ? "HTTP 301 without a Kubernetes Status" : status === 400 ? "Reason" : `secrets "…" is ${status}`;
    });
    expect(await sendAll(load, requests).done).toEqual(statuses.map((status, at) => ({ status, failure: failures[at] })));
  });

  it("keeps no more than the beginning of a refusal", async () => {
    await using server = await GoodServer.start((stream) => {
      reply(stream, 500, JSON.stringify({ kind: "Status", message: "x".repeat(1_000_000) }));
    });
    await using load = await openApiLoad(optionsFor(server.port));
    expect(await sendAll(load, [get("/a")]).done).toEqual([{ status: 500, failure: "HTTP 500 without a Kubernetes Status" }]);
  });

  it("sends bodies and reads answers of any size", async () => {
    const sizes = [1, 16_383, 16_384, 16_385, 65_535, 65_536, 1_400_000, 3];
    const pattern = Buffer.from(Uint8Array.from({ length: 1_400_000 }, (_, at) => at % 251));
    const received: number[] = [];
    await using server = await GoodServer.start((stream, _given, body) => {
      received.push(body.equals(pattern.subarray(0, body.length)) ? body.length : -1);
      reply(stream, 200, body);
    });
    await using load = await openApiLoad(optionsFor(server.port));
    const requests = sizes.map((size) => post(pattern.subarray(0, size)));
    for (let round = 0; round < 3; round++) expect(await sendAll(load, requests).done).toEqual(sizes.map(() => ok));
    const ascending = (a: number, b: number) => a - b;
    expect(received.sort(ascending)).toEqual([...sizes, ...sizes, ...sizes].sort(ascending));
  });

  it("keeps to the windows of the server, however small, and to their changes", async () => {
    const bodies: string[] = [];
    const wanted = Buffer.from("abcdefghijklmnopqrstuvwxyz");
    let granted = 0;
    await using server = await FrameServer.start(
      (peer, streamId) => {
        bodies.push(String(peer.requests.get(streamId)));
        peer.answer(streamId);
      },
      {
        beginning: settingsBytes([[settings.initialWindowSize, 0]]),
        onFrame: (peer, { type, streamId, payload }) => {
          if (streamId < 3) return;
          if (type === frameTypes.data && payload.length > 5) bodies.push("too much");
          // Now three bytes more for this stream, and once five for every one.
          if (granted++ === 1) peer.send(settingsBytes([[settings.initialWindowSize, 5]]));
          else peer.send(windowUpdateBytes(streamId, 3).fill(streamId, 8, 9));
        },
      },
    );
    await using load = await openApiLoad(optionsFor(server.port));
    expect(await sendAll(load, [post(wanted), post(wanted)]).done).toEqual([ok, ok]);
    expect(bodies).toEqual([wanted.toString(), wanted.toString()]);
  });

  it("opens as many connections as the server's limit of streams asks for", async () => {
    await using server = await GoodServer.start((stream) => reply(stream, 200), { maxConcurrentStreams: 4 });
    await using load = await openApiLoad(optionsFor(server.port, { inFlightMax: 9 }));
    expect(server.sessions).toHaveLength(3);
    // More than may be in flight wait for room.
    expect(await sendAll(load, Array(50).fill(get("/a"))).done).toEqual(Array(50).fill(ok));
    expect(server.sessions).toHaveLength(3);
  });

  it("sends one load after the other, and never two at a time", async () => {
    await using server = await GoodServer.start((stream) => reply(stream, 200));
    await using load = await openApiLoad(optionsFor(server.port));
    const first = sendAll(load, [get("/a"), get("/b")]);
    expect(() => load.sender([])).toThrow("still running");
    expect(await first.done).toEqual([ok, ok]);
    expect(await sendAll(load, [get("/c")]).done).toEqual([ok]);
  });

  it("is answered by the null server", async () => {
    await using server = await startNullApiServer({ answerBytes: 20_000 });
    await using load = await openApiLoad({ api: server.api, inFlightMax: 8, clock: systemClock });
    const { done } = sendAll(load, [post(Buffer.alloc(70_000)), get("/a")]);
    expect(await done).toEqual([{ status: 201, failure: undefined }, ok]);
  });
});

describe("what goes wrong on the way", () => {
  const four = ["/a", "/b", "/c", "/d"].map(get);

  it("fails what was under way when the connection broke, once, and goes on with another", async () => {
    await using server = await FrameServer.start(
      whenThere(4, (peer, [first = 0]) => {
        peer.answer(first);
        setImmediate(() => peer.socket.destroy());
      }),
    );
    await using load = await openApiLoad(optionsFor(server.port));
    const ends = await sendAll(load, four).done;
    expect(ends.map(({ status }) => status)).toEqual([200, 0, 0, 0]);
    for (const { failure } of ends.slice(1)) expect(failure).toMatch(/^The API server at \S+ cannot be reached: /);
    expect(await sendAll(load, four).done).toEqual([ok, ok, ok, ok]);
    expect(server.connections).toBe(2);
  });

  it("sends again what a server that goes away has not begun, and waits for what it has", async () => {
    const goAway = (lastId: number) => frameBytes(frameTypes.goAway, 0, 0, Buffer.of(0, 0, 0, lastId, 0, 0, 0, errorCodes.noError));
    await using server = await FrameServer.start(
      whenThere(4, (peer, [first = 0, second = 0]) => {
        // As Go's server does: first that it will go, then with what it has begun.
        peer.send(goAway(255), goAway(second));
        peer.answer(first, 201);
        peer.answer(second, 201);
      }),
    );
    await using load = await openApiLoad(optionsFor(server.port));
    expect((await sendAll(load, four).done).map(({ status }) => status)).toEqual([201, 201, 200, 200]);
    expect(server.connections).toBe(2);
  });

  it("sends again what is refused, but not for ever, and fails what is reset", async () => {
    let refusals = 0;
    const reset = (streamId: number, code: number) => frameBytes(frameTypes.rstStream, 0, streamId, Buffer.of(0, 0, 0, code));
    await using server = await FrameServer.start((peer, streamId) => {
      const path = peer.requests.get(streamId)?.toString();
      if (path === "broken") peer.send(reset(streamId, 2));
      else if (path === "never" || refusals++ < 2) peer.send(reset(streamId, errorCodes.refusedStream));
      else peer.answer(streamId);
    });
    await using load = await openApiLoad(optionsFor(server.port));
    expect(
      await sendAll(
        load,
        ["late", "never", "broken"].map((path) => post(Buffer.from(path))),
      ).done,
    ).toEqual([
      ok,
      { status: 0, failure: "the API server reset the request: REFUSED_STREAM" },
      { status: 0, failure: "the API server reset the request: INTERNAL_ERROR" },
    ]);
    expect(refusals).toBe(3);
  });

  it("takes an answer with announcements, padding, trailers, pings and unknown frames for what it is", async () => {
    await using server = await FrameServer.start((peer, id) => {
      const block = encodeLiterals([[":status", "202"]]);
      const padded = frameBytes(
        frameTypes.headers,
        frameFlags.padded | frameFlags.priority,
        id,
        Buffer.concat([Buffer.of(3), Buffer.alloc(5), block.subarray(0, 4), Buffer.alloc(3)]),
      );
      peer.send(
        headers(id, 0, 103),
        padded,
        frameBytes(frameTypes.continuation, 0, id, block.subarray(4, 6)),
        frameBytes(frameTypes.continuation, frameFlags.endHeaders, id, block.subarray(6)),
        frameBytes(0x6, 0, 0, Buffer.alloc(8)),
        frameBytes(0xfe, 0xff, id, Buffer.alloc(30)),
        frameBytes(frameTypes.data, frameFlags.padded, id, Buffer.of(2, 0x61, 0, 0)),
        headersBytes(id, frameFlags.endStream, encodeLiterals([["x-trailer", "1"]])).fill(id, 8, 9),
      );
    });
    await using load = await openApiLoad(optionsFor(server.port));
    expect(await sendAll(load, [get("/a")]).done).toEqual([{ status: 202, failure: undefined }]);
  });

  it("does not wait to send the rest of a body that was answered before", async () => {
    await using server = await FrameServer.start(() => {}, {
      beginning: settingsBytes([[settings.initialWindowSize, 4]]),
      onFrame: (peer, { type, streamId }) => {
        if (type === frameTypes.data) peer.answer(streamId, 413, '{"kind":"Status","reason":"RequestEntityTooLarge"}');
      },
    });
    await using load = await openApiLoad(optionsFor(server.port));
    expect(await sendAll(load, [post(Buffer.alloc(100))]).done).toEqual([{ status: 413, failure: "RequestEntityTooLarge" }]);
  });

  const breaches: Readonly<Record<string, (id: number) => Buffer>> = {
    "a frame is on a stream that nobody opened": () => headers(99, 0, 200),
    "the server pushes": (id) => frameBytes(frameTypes.pushPromise, 0, id, Buffer.alloc(4)),
    "a frame has 16385 bytes": (id) => frameBytes(frameTypes.data, 0, id, Buffer.alloc(16_385)),
    "a frame stands within a header block": (id) =>
      Buffer.concat([frameBytes(frameTypes.headers, 0, id, Buffer.of(0x88)), frameBytes(frameTypes.data, 0, id, Buffer.alloc(0))]),
    "a CONTINUATION frame continues nothing": (id) => frameBytes(frameTypes.continuation, 0, id, Buffer.alloc(1)),
    "a header block does not end": (id) =>
      Buffer.concat([
        frameBytes(frameTypes.headers, 0, id, Buffer.of(0x88)),
        ...Array.from({ length: 5 }, () => frameBytes(frameTypes.continuation, 0, id, Buffer.alloc(16_384))),
      ]),
    "a WINDOW_UPDATE adds nothing": () => windowUpdateBytes(0, 0),
    "the connection's window is too big": () => windowUpdateBytes(0, 2 ** 31 - 1),
    "a WINDOW_UPDATE frame has a wrong length": () => frameBytes(frameTypes.windowUpdate, 0, 0, Buffer.alloc(3)),
    "INITIAL_WINDOW_SIZE is 4294967295": () => settingsBytes([[settings.initialWindowSize, 2 ** 32 - 1]]),
    "MAX_FRAME_SIZE is 100": () => settingsBytes([[settings.maxFrameSize, 100]]),
    "a SETTINGS frame has a wrong length": () => frameBytes(frameTypes.settings, 0, 0, Buffer.alloc(5)),
    "the settings are on a stream": (id) => frameBytes(frameTypes.settings, 0, id, Buffer.alloc(0)),
    "a PING is on a stream": (id) => frameBytes(0x6, 0, id, Buffer.alloc(8)),
    "a GOAWAY frame has a wrong length": () => frameBytes(frameTypes.goAway, 0, 0, Buffer.alloc(7)),
    "the padding of a frame is longer": (id) => frameBytes(frameTypes.headers, frameFlags.padded, id, Buffer.of(9, 0x88)),
    "a :status that is none": (id) => headers(id, 0, "ok"),
    "names entry 62, which is in no table": (id) => frameBytes(frameTypes.headers, frameFlags.endHeaders, id, Buffer.of(0xbe)),
  };
  it.each(Object.entries(breaches))("fails what is in flight when the server breaks HTTP/2: %s", async (sentence, breach) => {
    await using server = await FrameServer.start(whenThere(4, (peer, [first = 0]) => peer.send(breach(first))));
    await using load = await openApiLoad(optionsFor(server.port));
    for (const { status, failure } of await sendAll(load, four).done) {
      expect(status).toBe(0);
      expect(failure).toContain("it breaks HTTP/2: ");
      expect(failure).toContain(sentence);
    }
    expect(await sendAll(load, four).done).toEqual([ok, ok, ok, ok]);
  });

  const malformed: Readonly<Record<string, (id: number) => Buffer>> = {
    "the answer begins without headers": (id) => frameBytes(frameTypes.data, frameFlags.endStream, id, Buffer.alloc(1)),
    "the answer has no :status": (id) => headersBytes(id, frameFlags.endStream, encodeLiterals([["a", "b"]])).fill(id, 8, 9),
    "the answer has headers that are out of place": (id) => Buffer.concat([headers(id, 0, 200), headers(id, 0, 200)]),
  };
  it.each(Object.entries(malformed))("fails the one request whose answer is none: %s", async (sentence, answer) => {
    await using server = await FrameServer.start((peer, id) => (id === 3 ? peer.send(answer(id)) : peer.answer(id)));
    await using load = await openApiLoad(optionsFor(server.port));
    expect(await sendAll(load, four).done).toEqual([{ status: 0, failure: sentence }, ok, ok, ok]);
    expect(server.connections).toBe(1);
  });

  it("gives up what is not answered in time, and what comes later is not taken for another answer", async () => {
    const clock = new VirtualClock();
    const late: (() => void)[] = [];
    await using server = await FrameServer.start((peer, id) => {
      if (id === 3) late.push(() => peer.answer(id, 500));
      else peer.answer(id);
    });
    await using load = await openApiLoad(optionsFor(server.port, { clock, timeoutMs: 3000 }));
    const hanging = sendAll(load, [get("/a")]);
    while (late.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(3000);
    await clock.advance(1000);
    expect(await hanging.done).toEqual([{ status: 0, failure: "The API server did not answer in time." }]);
    for (const answer of late) answer();
    expect(await sendAll(load, four).done).toEqual([ok, ok, ok, ok]);
  });

  it("gives up all that is in flight or waits, with the reason", async () => {
    await using server = await FrameServer.start(() => {}, { beginning: settingsBytes([[settings.maxConcurrentStreams, 2]]) });
    await using load = await openApiLoad(optionsFor(server.port, { inFlightMax: 2 }));
    const sent = sendAll(load, four);
    sent.abort("enough");
    expect(await sent.done).toEqual(Array(4).fill({ status: 0, failure: "enough" }));
  });

  it("fails what is in flight when it is disposed of", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await FrameServer.start(whenThere(4, () => arrived.resolve()));
    const load = await openApiLoad(optionsFor(server.port));
    const { done } = sendAll(load, four);
    await arrived.promise;
    await load[Symbol.asyncDispose]();
    for (const { status, failure } of await done)
      expect({ status, failure }).toMatchObject({ status: 0, failure: expect.stringContaining("closed") });
  });

  it("fails at once while nobody listens, and goes on when somebody does", async () => {
    const server = await GoodServer.start((stream) => reply(stream, 200));
    await using load = await openApiLoad(optionsFor(server.port));
    const [session] = server.sessions;
    if (session === undefined) throw new Error("There is no session.");
    await server[Symbol.asyncDispose]();
    for (const { status, failure } of await sendAll(load, four).done) {
      expect({ status, failure }).toMatchObject({ status: 0, failure: expect.stringContaining("cannot be reached") });
    }
    const again = createSecureServer({ cert: certificates.certificatePem, key: certificates.keyPem });
    again.on("stream", (stream) => reply(stream, 200));
    const sessions: ServerHttp2Session[] = [];
    again.on("session", (opened) => sessions.push(opened));
    again.listen(server.port, "127.0.0.1");
    await once(again, "listening");
    try {
      expect(await sendAll(load, four).done).toEqual([ok, ok, ok, ok]);
    } finally {
      for (const opened of sessions) opened.destroy();
      again.close();
      await once(again, "close");
    }
  });
});

describe("a server that cannot be loaded", () => {
  it("is not believed with the certificate of another authority", async () => {
    await using server = await GoodServer.start(() => {}, { shown: others });
    await expect(openApiLoad(optionsFor(server.port))).rejects.toMatchObject({ name: "TargetError", code: "api-untrusted" });
  });

  it("is named when nobody listens", async () => {
    let port: number;
    {
      await using server = await GoodServer.start(() => {});
      port = server.port;
    }
    const message = expect.stringContaining(`127.0.0.1:${port}`);
    await expect(openApiLoad(optionsFor(port))).rejects.toMatchObject({ code: "api-unreachable", message });
  });

  it("is given up when it does not answer, or when the signal says so", async () => {
    await using server = await FrameServer.start(() => {}, { beginning: Buffer.alloc(0) });
    const clock = new VirtualClock();
    const waiting = expect(openApiLoad(optionsFor(server.port, { clock }))).rejects.toMatchObject({ code: "api-timeout" });
    while (server.connections === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(10_000);
    await waiting;
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(openApiLoad(optionsFor(server.port, { signal }))).rejects.toThrow("stop");
  });

  it("is told when what it says is no HTTP/2", async () => {
    await using server = await FrameServer.start(() => {}, { beginning: Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n") });
    await expect(openApiLoad(optionsFor(server.port))).rejects.toMatchObject({
      code: "api-unreachable",
      message: expect.stringContaining("breaks HTTP/2"),
    });
  });

  it("is loaded over HTTP/1.1 where it speaks nothing else", async () => {
    const server = createHttpsServer({ cert: certificates.certificatePem, key: certificates.keyPem }, (_request, response) => {
      response.end("{}");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const options = optionsFor(portOf(server), { inFlightMax: 4 });
      await expect(ApiLoadClient.open(options)).rejects.toMatchObject({ code: "api-no-http2" });
      await using load = await openApiLoad(options);
      expect(load.protocol).toBe("http/1.1");
      expect(await sendAll(load, Array(10).fill(get("/a"))).done).toEqual(Array(10).fill(ok));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("is not asked for what is no path", async () => {
    await using server = await GoodServer.start(() => {});
    await using load = await openApiLoad(optionsFor(server.port));
    for (const path of ["", "a", "/a b", "/a\r\nx: y", "/ä"]) expect(() => load.sender([get(path)])).toThrow("path");
  });
});
