import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttp2Server } from "node:http2";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { methodPaths } from "../kms/contract.ts";
import { FrameSplitter, frameBytes, frameFlags, frameTypes, settings, settingsBytes, windowUpdateBytes } from "../kms/http2/frames.ts";
import { encodeLiterals } from "../kms/http2/hpack.ts";
import { kmsV2Service } from "../kms/messages.ts";
import { KmsLoadClient, type KmsLoadOptions, type LoadCall } from "./kms-load-client.ts";
import { startNullKmsServer } from "./null-kms-server.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kmsmark-load-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly index: number;
  readonly status: number;
  readonly failure: string | undefined;
}

/** Sends requests 0 to `count` - 1, `inFlight` at once, and resolves to what was told of them. */
async function run(client: KmsLoadClient, count: number, inFlight: number): Promise<Ended[]> {
  const ended: Ended[] = [];
  const all = Promise.withResolvers<void>();
  let next = 0;
  const pump = () => {
    while (next < count && next - ended.length < inFlight) client.send(next++);
    client.flush();
    if (ended.length === count) all.resolve();
  };
  client.onDone = (index, status, failure) => {
    ended.push({ index, status, failure });
    queueMicrotask(pump);
  };
  pump();
  await all.promise;
  return ended;
}

function encryptCalls(count: number, verify: LoadCall["verify"] = () => undefined): LoadCall[] {
  return Array.from({ length: count }, (_, number) => ({
    path: methodPaths.v2.Encrypt,
    request: kmsV2Service.Encrypt.requestSerialize({ plaintext: Buffer.from(`plaintext ${number}`), uid: `uid-${number}` }),
    verify,
  }));
}

const connect = (options: Omit<KmsLoadOptions, "clock">) => KmsLoadClient.connect({ clock: systemClock, ...options });
const failuresOf = (ended: readonly Ended[]) => ended.filter(({ failure }) => failure !== undefined);

const answerMessage = kmsV2Service.Encrypt.responseSerialize({ ciphertext: Buffer.from("c"), keyId: "k", annotations: new Map() });
const answerHead = encodeLiterals([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);
/** A whole answer, and its parts. */
function answerTo(streamId: number): Buffer {
  const prefix = Buffer.of(0, 0, 0, 0, answerMessage.length);
  return Buffer.concat([
    frameBytes(frameTypes.headers, frameFlags.endHeaders, streamId, answerHead),
    frameBytes(frameTypes.data, 0, streamId, Buffer.concat([prefix, answerMessage])),
    frameBytes(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, streamId, encodeLiterals([["grpc-status", "0"]])),
  ]);
}

function goAway(lastStreamId: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(lastStreamId, 0);
  return frameBytes(frameTypes.goAway, 0, 0, payload);
}

function reset(streamId: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code, 0);
  return frameBytes(frameTypes.rstStream, 0, streamId, payload);
}

/** A request that is whole: which connection it came on, counted from 1, which call it was on it, counted from 1, its stream, and what it says. */
interface Request {
  readonly connection: number;
  readonly call: number;
  readonly streamId: number;
  readonly plaintext: string;
}

/** A server whose every answer is the test's. Frames are written at once; `end` closes the connection behind them. */
async function serveRaw(
  name: string,
  onRequest: (request: Request, socket: Socket) => void,
  begin: readonly Buffer[] = [settingsBytes([])],
) {
  const requests: Request[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    let calls = 0;
    sockets.add(socket);
    socket.on("error", () => {});
    const splitter = new FrameSplitter(true);
    for (const bytes of begin) socket.write(bytes);
    socket.on("data", (chunk) => {
      for (const frame of splitter.split(chunk)) {
        if (frame.type !== frameTypes.data || (frame.flags & frameFlags.endStream) === 0) continue;
        socket.write(windowUpdateBytes(0, frame.payload.length));
        const plaintext = Buffer.from(kmsV2Service.Encrypt.requestDeserialize(frame.payload.subarray(5)).plaintext).toString();
        const request = { connection, call: ++calls, streamId: frame.streamId, plaintext };
        requests.push(request);
        onRequest(request, socket);
      }
    });
  });
  const path = name.startsWith("\0") ? name : join(folder, name);
  await new Promise<void>((resolve) => server.listen(name === "tcp" ? { port: 0, host: "127.0.0.1" } : { path }, resolve));
  return {
    path,
    port: portOf(server.address()),
    requests,
    connections: () => connections,
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function portOf(address: ReturnType<NetServer["address"]>): number {
  return address === null || typeof address === "string" ? 0 : address.port;
}

describe("to a plugin on grpc-js", () => {
  /** Answers with the plaintext as the ciphertext; a plaintext that begins with "fail" fails. */
  async function serve(endpoint: string) {
    const seen: string[] = [];
    const server = new Server();
    server.addService(
      { Encrypt: kmsV2Service.Encrypt },
      {
        Encrypt: (call: { request: { plaintext: Uint8Array } }, answer: (error: object | null, response?: object) => void) => {
          const text = Buffer.from(call.request.plaintext).toString();
          seen.push(text);
          if (text.startsWith("fail")) answer({ code: status.FAILED_PRECONDITION, details: "no key: 100% gone" });
          else answer(null, { ciphertext: call.request.plaintext, keyId: "k", annotations: new Map() });
        },
      },
    );
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(endpoint, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
    });
    return { seen, [Symbol.dispose]: () => server.forceShutdown() };
  }

  it.each([1, 7, 200])("makes every call once, %i in flight", async (inFlight) => {
    const socket = join(folder, `js-${inFlight}.sock`);
    using server = await serve(`unix:${socket}`);
    await using client = await connect({ endpoint: socket, calls: encryptCalls(500) });
    const ended = await run(client, 500, inFlight);
    expect(ended.filter(({ failure }) => failure !== undefined)).toEqual([]);
    expect(new Set(ended.map(({ index }) => index)).size).toBe(500);
    expect(new Set(server.seen).size).toBe(500);
    expect(server.seen).toHaveLength(500);
  });

  it("tells the status and the message of a call that failed", async () => {
    const socket = join(folder, "js-fail.sock");
    using _server = await serve(`unix:${socket}`);
    const failing = { ...encryptCalls(1)[0], request: kmsV2Service.Encrypt.requestSerialize({ plaintext: Buffer.from("fail"), uid: "u" }) };
    await using client = await connect({
      endpoint: socket,
      calls: [{ path: methodPaths.v2.Encrypt, verify: () => undefined, ...failing }],
    });
    expect(await run(client, 1, 1)).toEqual([{ index: 0, status: 9, failure: "no key: 100% gone" }]);
  });

  it("sends requests that are longer than frames and windows", async () => {
    const socket = join(folder, "js-long.sock");
    using server = await serve(`unix:${socket}`);
    const request = kmsV2Service.Encrypt.requestSerialize({ plaintext: randomBytes(700_000), uid: "u" });
    let answers = 0;
    const verify = (answer: Uint8Array) => {
      answers += answer.length;
      return undefined;
    };
    await using client = await connect({ endpoint: socket, verifyEvery: 1, calls: [{ path: methodPaths.v2.Encrypt, request, verify }] });
    expect((await run(client, 6, 3)).filter(({ failure }) => failure !== undefined)).toEqual([]);
    expect(server.seen).toHaveLength(6);
    expect(answers).toBeGreaterThan(6 * 700_000);
  });
});

describe("to a server that does what servers may do", () => {
  it("sends again what GOAWAY says was not done, on a new connection, and nothing twice", async () => {
    // Every connection does five calls and promises no more; what came before the promise was known is dropped.
    using server = await serveRaw("goaway.sock", ({ call, streamId }, socket) => {
      if (call <= 5) socket.write(answerTo(streamId));
      if (call === 5) socket.write(goAway(streamId));
    });
    await using client = await connect({ endpoint: server.path, calls: encryptCalls(60) });
    const ended = await run(client, 60, 12);
    expect(failuresOf(ended)).toEqual([]);
    expect(ended).toHaveLength(60);
    const done = server.requests.filter(({ call }) => call <= 5).map(({ plaintext }) => plaintext);
    expect(new Set(done).size).toBe(60);
    expect(done).toHaveLength(60);
    expect(server.connections()).toBeGreaterThanOrEqual(12);
  });

  it("fails the calls whose connection is lost, sends none of them twice, and goes on with another", async () => {
    using server = await serveRaw("lost.sock", ({ call, streamId }, socket) => {
      if (call === 10) socket.destroy();
      else socket.write(answerTo(streamId));
    });
    await using client = await connect({ endpoint: server.path, calls: encryptCalls(40) });
    const ended = await run(client, 40, 4);
    expect(ended).toHaveLength(40);
    expect(failuresOf(ended).length).toBeGreaterThanOrEqual(3);
    expect(failuresOf(ended).map(({ status, failure }) => `${status} ${failure}`)).toSatisfy((all: string[]) =>
      all.every((one) => /^14 .*(closed|ECONNRESET|EPIPE)/.test(one)),
    );
    expect(new Set(server.requests.map(({ plaintext }) => plaintext)).size).toBe(server.requests.length);
  });

  it("sends again what was refused, but not for ever", async () => {
    const refusals = new Map<string, number>();
    using server = await serveRaw("refused.sock", ({ streamId, plaintext }, socket) => {
      const before = refusals.get(plaintext) ?? 0;
      refusals.set(plaintext, before + 1);
      const isRefused = plaintext === "plaintext 3" || before < 2;
      socket.write(isRefused ? reset(streamId, 7) : answerTo(streamId));
    });
    await using client = await connect({ endpoint: server.path, calls: encryptCalls(6) });
    const ended = await run(client, 6, 3);
    expect(failuresOf(ended)).toEqual([
      { index: 3, status: 14, failure: "not begun in 8 attempts: the server reset the call: REFUSED_STREAM" },
    ]);
    expect(refusals.get("plaintext 0")).toBe(3);
  });

  it("gives up what is not answered, and counts each once", async () => {
    using server = await serveRaw("silent.sock", ({ call, streamId }, socket) => {
      if (call % 2 === 0) socket.write(answerTo(streamId));
    });
    await using client = await connect({ endpoint: server.path, calls: encryptCalls(20), timeoutMs: 300 });
    const ended = await run(client, 20, 20);
    expect(failuresOf(ended)).toHaveLength(10);
    expect(new Set(failuresOf(ended).map(({ status, failure }) => `${status} ${failure}`))).toEqual(
      new Set(["4 no answer before the deadline"]),
    );
  });

  it("waits for streams and windows that are closed at first", async () => {
    using server = await serveRaw("narrow.sock", ({ streamId }, socket) => socket.write(answerTo(streamId)), [
      settingsBytes([
        [settings.maxConcurrentStreams, 3],
        [settings.initialWindowSize, 0],
      ]),
      settingsBytes([[settings.initialWindowSize, 7]]),
    ]);
    await using client = await connect({ endpoint: server.path, calls: encryptCalls(9), timeoutMs: 500 });
    // Seven bytes of each call are all that the server ever takes.
    expect(new Set((await run(client, 9, 9)).map(({ status }) => status))).toEqual(new Set([4]));
    expect(server.requests).toEqual([]);
  });

  it("spreads calls over its connections, and reaches abstract sockets and TCP", async () => {
    const answer = ({ streamId }: Request, socket: Socket) => socket.write(answerTo(streamId));
    const name = `kmsmark-${randomBytes(8).toString("hex")}`;
    using abstract = await serveRaw(`\0${name}`, answer);
    using tcp = await serveRaw("tcp", answer);
    for (const [server, endpoint] of [
      [abstract, `unix:///@${name}`],
      [tcp, `tcp://127.0.0.1:${tcp.port}`],
    ] as const) {
      await using client = await connect({ endpoint, calls: encryptCalls(30), connections: 3 });
      expect(failuresOf(await run(client, 30, 6))).toEqual([]);
      expect([1, 2, 3].map((connection) => server.requests.filter((request) => request.connection === connection).length)).toEqual([
        10, 10, 10,
      ]);
    }
  });

  it("tells which answers are wrong", async () => {
    using server = await serveRaw("wrong.sock", ({ streamId }, socket) => socket.write(answerTo(streamId)));
    let looked = 0;
    const verify = () => (++looked % 2 === 0 ? "Encrypt answers nonsense" : undefined);
    await using client = await connect({ endpoint: server.path, calls: encryptCalls(12, verify), verifyEvery: 3 });
    const ended = await run(client, 12, 1);
    expect(looked).toBe(4);
    expect(failuresOf(ended).map(({ index, failure }) => `${index} ${failure}`)).toEqual([
      "5 Encrypt answers nonsense",
      "11 Encrypt answers nonsense",
    ]);
  });

  it("ends every call once when it is given up or closed", async () => {
    using server = await serveRaw("given-up.sock", () => {});
    const ended: string[] = [];
    {
      await using client = await connect({ endpoint: server.path, calls: encryptCalls(4) });
      client.onDone = (index, status, failure) => ended.push(`${index} ${status} ${failure}`);
      for (const index of [0, 1]) client.send(index);
      client.flush();
      client.abort("enough");
      for (const index of [2, 3]) client.send(index);
      client.flush();
    }
    expect(ended).toEqual(["0 0 enough", "1 0 enough", "2 14 the client was closed", "3 14 the client was closed"]);
  });

  it("follows another's HPACK, with its table and its Huffman code", async () => {
    const path = join(folder, "http2.sock");
    const server = createHttp2Server((request, response) => {
      request.resume();
      request.once("end", () => {
        response.writeHead(200, { "content-type": "application/grpc+proto", "x-varies": randomBytes(8).toString("base64") });
        response.write(Buffer.concat([Buffer.of(0, 0, 0, 0, answerMessage.length), answerMessage]));
        response.addTrailers({ "grpc-status": "0", "grpc-message": "" });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await using client = await connect({ endpoint: path, calls: encryptCalls(300) });
    expect(failuresOf(await run(client, 300, 16))).toEqual([]);
    server.close();
  });
});

describe("a plugin that cannot be reached", () => {
  it.each([
    ["is not there", "absent.sock", "no-plugin"],
    ["is no endpoint", "tcp://nowhere", "bad-endpoint"],
  ])("is refused when it %s", async (_name, endpoint, code) => {
    await expect(
      connect({ endpoint: endpoint.includes(":") ? endpoint : join(folder, endpoint), calls: encryptCalls(1) }),
    ).rejects.toHaveProperty("code", code);
  });

  it("is refused with what was answered instead of HTTP/2", async () => {
    using server = await serveRaw("http1.sock", () => {}, [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")]);
    await expect(connect({ endpoint: server.path, calls: encryptCalls(1), timeoutMs: 300 })).rejects.toThrow("does not speak HTTP/2");
  });

  it("makes calls wait until their deadline when it goes away, and answers again when it is back", async () => {
    const answer = ({ streamId }: Request, socket: Socket) => socket.write(answerTo(streamId));
    const first = await serveRaw("back.sock", answer);
    await using client = await connect({ endpoint: first.path, calls: encryptCalls(30), timeoutMs: 400 });
    expect(failuresOf(await run(client, 5, 2))).toEqual([]);
    first[Symbol.dispose]();
    const ended = await run(client, 3, 3);
    expect(ended.map(({ status }) => status)).toSatisfy((all: number[]) => all.every((one) => one === 4 || one === 14));
    using _second = await serveRaw("back.sock", answer);
    let again: Ended[];
    do again = await run(client, 1, 1);
    while (failuresOf(again).length > 0);
    expect(again).toEqual([{ index: 0, status: 0, failure: undefined }]);
  });
});

it("measures its own floor with a server that answers at once", async () => {
  await using server = await startNullKmsServer({ socket: join(folder, "null.sock"), message: answerMessage });
  let looked = 0;
  const verify = (answer: Uint8Array) => {
    looked++;
    return Buffer.compare(answer, answerMessage) === 0 ? undefined : "another answer";
  };
  await using client = await connect({ endpoint: server.socket, calls: encryptCalls(64, verify), verifyEvery: 1, connections: 2 });
  const ended = await run(client, 20_000, 128);
  expect(failuresOf(ended)).toEqual([]);
  expect(new Set(ended.map(({ index }) => index)).size).toBe(20_000);
  expect(looked).toBe(20_000);
});
