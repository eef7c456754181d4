import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../virtual-clock.ts";
import { clientPreface, type Frame, FrameSplitter, frameBytes, frameFlags, frameTypes, headersBytes, windowUpdateBytes } from "./frames.ts";
import { encodeLiterals, type Header, HpackDecoder } from "./hpack.ts";
import { concurrentCallsMax, messageBytesMax, ServerConnection, type UnaryCall } from "./server-connection.ts";

const { data, headers, priority, rstStream, settings, pushPromise, ping, goAway, windowUpdate, continuation } = frameTypes;
const { endStream, endHeaders, padded, priority: withPriority, ack } = frameFlags;
const none = Buffer.alloc(0);
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const noSettings = frameBytes(settings, 0, 0, none);

const request: readonly Header[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/test/Echo"],
  [":authority", "localhost"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
];

/** The usual headers, with some exchanged, added, or left out where the value is undefined. */
function requestWith(change: Readonly<Record<string, string | undefined>>): Header[] {
  const all = new Map<string, string | undefined>([...request, ...Object.entries(change)]);
  return [...all].flatMap(([name, value]): Header[] => (value === undefined ? [] : [[name, value]]));
}

function to(path: string, more: Readonly<Record<string, string | undefined>> = {}): Buffer {
  return encodeLiterals(requestWith({ ":path": path, ...more }));
}

function message(content: Uint8Array | string, flag = 0): Buffer {
  const bytes = Buffer.from(content);
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

const begin = (streamId: number, block: Buffer) => frameBytes(headers, endHeaders, streamId, block);
const content = (streamId: number, bytes: Buffer, flags: number = endStream) => frameBytes(data, flags, streamId, bytes);
/** A whole call. */
const call = (streamId: number, path = "/test/Echo", text = "hello") =>
  Buffer.concat([begin(streamId, to(path)), content(streamId, message(text))]);

/** A client that sends what it is told to, and says in words what comes back. */
class RawClient {
  readonly socket: Socket;
  #splitter = new FrameSplitter(false);
  #decoder = new HpackDecoder();
  #said: string[] = [];
  #pings = 0;
  #onWord = () => {};

  constructor(path: string, decoder = new HpackDecoder()) {
    this.#decoder = decoder;
    this.socket = connect(path);
    this.socket.on("data", (chunk: Buffer) => {
      for (const frame of this.#splitter.split(chunk)) this.#said.push(this.#wordsOf(frame));
      this.#onWord();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.#said.push("closed");
      this.#onWord();
    });
  }

  send(...bytes: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  /** What came until one of these words did, which is left out unless it is the end. */
  async until(word: string): Promise<string[]> {
    for (;;) {
      const at = this.#said.findIndex((said) => said === word || said === "closed");
      if (at >= 0) {
        const isEnd = this.#said[at] === "closed";
        return this.#said.splice(0, at + 1).slice(0, isEnd ? undefined : -1);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onWord = resolve;
      await promise;
    }
  }

  /** What the server answers to all that was sent: it takes frames in their order, and a PING is one. */
  settle(): Promise<string[]> {
    const name = String(++this.#pings).padStart(8, "0");
    this.send(frameBytes(ping, 0, 0, Buffer.from(name)));
    return this.until(`PING ack ${name}`);
  }

  #wordsOf({ type, flags, streamId, payload }: Frame): string {
    const end = (flags & endStream) !== 0 && (type === data || type === headers) ? " end" : "";
    switch (type) {
      case data:
        return `DATA ${streamId}${end} ${payload.length > 40 ? `${payload.length} bytes` : payload.toString("latin1").slice(5)}`;
      case headers:
        return `HEADERS ${streamId}${end} ${this.#decoder
          .decode(payload)
          .map(([name, value]) => `${name}=${value}`)
          .join(" ")}`;
      case rstStream:
        return `RST_STREAM ${streamId} ${payload.readUInt32BE(0)}`;
      case settings:
        return `SETTINGS${(flags & ack) === 0 ? ` ${payload.toString("hex")}` : " ack"}`;
      case ping:
        return `PING${(flags & ack) === 0 ? "" : " ack"} ${payload.toString("latin1")}`;
      case goAway:
        return `GOAWAY ${payload.readUInt32BE(0)} ${payload.readUInt32BE(4)} ${payload.toString("latin1", 8)}`.trim();
      case windowUpdate:
        return `WINDOW_UPDATE ${streamId} ${payload.readUInt32BE(0)}`;
      default:
        return `frame of type ${type}`;
    }
  }
}

/** A server on a Unix socket; the connections are kept, and so are the calls of `/test/Later`. */
async function arrange() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-h2-")));
  const path = join(folder.path, "s");
  const clock = new VirtualClock();
  const later: UnaryCall[] = [];
  const cancelled: UnaryCall[] = [];
  const connections: ServerConnection[] = [];
  const sockets: Socket[] = [];
  const methods = new Map<string, (call: UnaryCall) => void>([
    ["/test/Echo", (each) => each.answer(each.message)],
    [
      "/test/Later",
      (each) => {
        each.onCancel = () => cancelled.push(each);
        later.push(each);
      },
    ],
    ["/test/Fail", (each) => each.fail(9, each.message.toString())],
    ["/test/Size", (each) => each.answer(Buffer.alloc(each.message.readUInt32BE(0), 7))],
  ]);
  const server = createServer((socket) => {
    sockets.push(socket);
    connections.push(new ServerConnection(socket, { methods, clock }));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  stack.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const dial = () => {
    const client = new RawClient(path);
    stack.defer(() => void client.socket.destroy());
    return client;
  };
  /** A client that has begun; what the server greets it with is gone. */
  const greeted = async (first = noSettings) => {
    const client = dial();
    client.send(clientPreface, first);
    await client.settle();
    return client;
  };
  return { path, clock, later, cancelled, connections, sockets, dial, greeted, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const answered = (streamId: number, text = "hello") => [
  `HEADERS ${streamId} :status=200 content-type=application/grpc`,
  `DATA ${streamId} ${text}`,
  `HEADERS ${streamId} end grpc-status=0`,
];
const failed = (streamId: number, code: number, text: string) =>
  `HEADERS ${streamId} end :status=200 content-type=application/grpc grpc-status=${code} grpc-message=${text}`;
const refused = (streamId: number, httpStatus: number, code: number, text: string) =>
  `HEADERS ${streamId} end :status=${httpStatus} content-type=application/grpc grpc-status=${code} grpc-message=${text} grpc-accept-encoding=identity`;

describe("a connection", () => {
  it("begins with settings and a wide window, before the client has said anything", async () => {
    await using place = await arrange();
    const client = place.dial();
    expect(await client.until("WINDOW_UPDATE 0 983041")).toEqual(["SETTINGS 0003000003e8000400040000000600004000"]);
    client.send(clientPreface, noSettings);
    expect(await client.settle()).toEqual(["SETTINGS ack"]);
  });

  it("answers calls, alone and many in one piece", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(call(1));
    expect(await client.settle()).toEqual(answered(1));
    client.send(call(3), call(7, "/test/Echo", "two"), call(9, "/test/Echo", ""));
    expect(await client.settle()).toEqual([...answered(3), ...answered(7, "two"), ...answered(9, "")]);
  });

  it("answers the same wherever the bytes are cut", async () => {
    await using place = await arrange();
    const bytes = Buffer.concat([clientPreface, noSettings, call(1), call(3, "/test/Fail", "why"), call(5)]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 6 }), async (cuts) => {
        const client = place.dial();
        const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        for (const [index, end] of at.slice(1).entries()) {
          client.socket.write(bytes.subarray(at[index], end));
          // Else the kernel may join them again.
          await new Promise((resolve) => setImmediate(resolve));
        }
        const said = await client.settle();
        expect(said.slice(2)).toEqual(["SETTINGS ack", ...answered(1), failed(3, 9, "why"), ...answered(5)]);
        client.socket.destroy();
      }),
      { numRuns: 20 },
    );
  });

  it("takes padding, priority, CONTINUATION, empty DATA, unknown frames and trailers", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    const block = to("/test/Echo");
    client.send(
      frameBytes(headers, padded | withPriority, 1, Buffer.concat([hex("02 00000000 10"), block.subarray(0, 10), hex("0000")])),
      frameBytes(continuation, 0, 1, block.subarray(10, 20)),
      frameBytes(continuation, endHeaders, 1, block.subarray(20)),
      content(1, Buffer.concat([hex("03"), message("padded").subarray(0, 7), hex("000000")]), padded),
      frameBytes(priority, 0, 1, hex("00000000 10")),
      frameBytes(0x42, 0xff, 1, hex("abcd")),
      content(1, none, 0),
      content(1, message("padded").subarray(7), 0),
      frameBytes(headers, endHeaders | endStream, 1, encodeLiterals([["x-checksum", "1"]])),
    );
    expect(await client.settle()).toEqual(answered(1, "padded"));
  });

  it("understands the dynamic table and Huffman codes, and headers that were the same before", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    // :method POST, :scheme http, then :path, :authority and content-type with indexing, the last one Huffman-coded.
    const first = hex(
      `83 86 44 0a ${Buffer.from("/test/Echo").toString("hex")} 41 09 ${Buffer.from("localhost").toString("hex")}
      5f 8b 1d75d0620d263d4c4d6564`.replaceAll(/\s/g, ""),
    );
    const again = hex("83 86 c0 bf be");
    // Another path takes the place of the newest entry: what was known of the bytes before holds no more.
    const other = hex(`83 86 44 0a ${Buffer.from("/test/Fail").toString("hex")} c0 bf`.replaceAll(/\s/g, ""));
    const whole = (streamId: number, block: Buffer) => [begin(streamId, block), content(streamId, message("x"))];
    client.send(...whole(1, first), ...whole(3, again), ...whole(5, again), ...whole(7, other), ...whole(9, hex("83 86 be c0 bf")));
    expect(await client.settle()).toEqual([
      ...answered(1, "x"),
      ...answered(3, "x"),
      ...answered(5, "x"),
      failed(7, 9, "x"),
      failed(9, 9, "x"),
    ]);
  });

  it("answers pings, also to somebody who keeps the connection alive", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(frameBytes(ping, 0, 0, Buffer.from("12345678")), frameBytes(ping, ack, 0, Buffer.from("ignored!")));
    expect(await client.settle()).toEqual(["PING ack 12345678"]);
  });
});

describe("a request", () => {
  it.each<[string, Readonly<Record<string, string | undefined>>, string]>([
    ["an unknown method", { ":path": "/test/Nothing" }, failed(1, 12, "This server has no such method.")],
    ["GET", { ":method": "GET" }, refused(1, 405, 13, "A gRPC call is made by POST.")],
    [
      "another content-type",
      { "content-type": "application/grpcish" },
      refused(1, 415, 2, "The content-type of a gRPC call begins with application/grpc."),
    ],
    ["no content-type", { "content-type": undefined }, refused(1, 415, 2, "The content-type of a gRPC call begins with application/grpc.")],
    ["compression", { "grpc-encoding": "gzip" }, refused(1, 200, 12, "This server takes no compressed messages.")],
    ["a bad grpc-timeout", { "grpc-timeout": "3" }, refused(1, 200, 13, "The grpc-timeout of the request is none.")],
    ["very long headers", { "x-long": "x".repeat(16_384) }, refused(1, 431, 8, "The headers of the request are too long.")],
  ])("is refused with %s", async (_what, change, words) => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(headersBytes(1, 0, encodeLiterals(requestWith(change))), content(1, message("x")), call(3));
    // The client had not ended its side: it need not go on, and what it had sent is passed over.
    expect(await client.settle()).toEqual([words, "RST_STREAM 1 0", ...answered(3)]);
  });

  it.each<[string, Buffer, string]>([
    ["a message flagged as compressed", message("x", 1), "13 The message is flagged as compressed, and no grpc-encoding says how."],
    ["no message", none, "12 The call has one message, and this one came without."],
    ["half a prefix", hex("0000"), "13 The request ends within its message."],
    ["half a message", message("hello").subarray(0, 7), "13 The request ends within its message."],
    ["two messages", Buffer.concat([message("a"), message("b")]), "12 The call has one message, and another one follows it."],
    ["a message of 4 MiB and a byte", hex("00 00400001"), "8 The message has 4194305 bytes; this server takes at most 4194304."],
  ])("fails with %s, in one piece and in many", async (_what, bytes, words) => {
    await using place = await arrange();
    const client = await place.greeted();
    const [, code = "", text = ""] = /^(\d+) (.*)$/.exec(words) ?? [];
    client.send(begin(1, to("/test/Echo")), content(1, bytes));
    expect(await client.settle()).toEqual([failed(1, Number(code), text)]);
    client.send(begin(3, to("/test/Echo")), ...Array.from(bytes, (byte) => content(3, Buffer.of(byte), 0)), content(3, none));
    expect((await client.settle()).filter((said) => !said.startsWith("RST_STREAM 3 0"))).toEqual([failed(3, Number(code), text)]);
  });

  it("that ends with its headers has no message", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(frameBytes(headers, endHeaders | endStream, 1, to("/test/Echo")));
    expect(await client.settle()).toEqual([failed(1, 12, "The call has one message, and this one came without.")]);
  });

  it("carries its deadline", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    for (const [index, timeout] of ["2S", "1500m", "250u", "5M", undefined].entries()) {
      client.send(begin(2 * index + 1, to("/test/Later", { "grpc-timeout": timeout })), content(2 * index + 1, message("")));
    }
    await client.settle();
    expect(place.later.map(({ timeoutMs }) => timeoutMs)).toEqual([2000, 1500, 0.25, 300_000, undefined]);
  });

  it.each<[string, Buffer]>([
    ["without :path", to("/", { ":path": undefined })],
    ["without :method", to("/", { ":method": undefined })],
    ["with a header in capitals", to("/test/Echo", { "X-Upper": "1" })],
    ["with an unknown pseudo-header", to("/test/Echo", { ":status": "200" })],
    ["with a header of HTTP/1", to("/test/Echo", { connection: "close" })],
    ["with te other than trailers", to("/test/Echo", { te: "gzip" })],
    ["with a line break in a value", to("/test/Echo", { "x-a": "a\r\nb" })],
    ["with a pseudo-header after others", encodeLiterals([...request.slice(1), [":method", "POST"]])],
    ["with :path twice", encodeLiterals([[":path", "/test/Fail"], ...request])],
    ["with a content-length that is none", to("/test/Echo", { "content-length": "1x" })],
    ["with a content-length that it has not", to("/test/Echo", { "content-length": "7" })],
  ])("%s is malformed", async (_what, block) => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(begin(1, block), content(1, message("x")), call(3));
    expect(await client.settle()).toEqual(["RST_STREAM 1 1", ...answered(3)]);
  });

  it("with its content-length is taken", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(begin(1, to("/test/Echo", { "content-length": "6" })), content(1, message("x")));
    expect(await client.settle()).toEqual(answered(1, "x"));
  });

  it("of 4 MiB is taken, as fast as the windows open", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    const bytes = message(Buffer.alloc(messageBytesMax, 5));
    client.send(begin(1, to("/test/Later")));
    let [streamWindow, connectionWindow] = [256 * 1024, 1024 * 1024];
    for (let at = 0; at < bytes.length; ) {
      const size = Math.min(16_384, bytes.length - at, streamWindow, connectionWindow);
      if (size > 0) client.send(content(1, bytes.subarray(at, at + size), at + size === bytes.length ? endStream : 0));
      at += size;
      streamWindow -= size;
      connectionWindow -= size;
      if (streamWindow > 0 && connectionWindow > 0) continue;
      for (const said of await client.settle()) {
        const [, streamId, increment] = /^WINDOW_UPDATE (\d) (\d+)$/.exec(said) ?? [];
        if (streamId === "1") streamWindow += Number(increment);
        else connectionWindow += Number(increment);
      }
    }
    await client.settle();
    expect(place.later[0]?.message.equals(bytes.subarray(5))).toBe(true);
  });
});

describe("an answer", () => {
  const sizeOf = (bytes: number) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes);
    return size;
  };
  const big = (streamId: number, bytes: number) => [begin(streamId, to("/test/Size")), content(streamId, message(sizeOf(bytes)))];
  const sentBytes = (said: readonly string[], streamId: number) =>
    said.reduce((sum, each) => sum + Number(new RegExp(`^DATA ${streamId} (\\d+) bytes$`).exec(each)?.[1] ?? 0), 0);

  it("stays within the connection's window, and goes on when that opens", async () => {
    await using place = await arrange();
    const client = await place.greeted(frameBytes(settings, 0, 0, hex("0004 00100000")));
    client.send(...big(1, 100_000), call(3));
    const before = await client.settle();
    expect(sentBytes(before, 1)).toBe(65_535);
    // The other one waits behind it.
    expect(before.filter((said) => said.startsWith("DATA 3"))).toEqual([]);
    client.send(windowUpdateBytes(0, 100_005 - 65_535));
    expect(await client.settle()).toEqual(["DATA 1 16384 bytes", "DATA 1 16384 bytes", "DATA 1 1702 bytes", "HEADERS 1 end grpc-status=0"]);
    client.send(windowUpdateBytes(0, 10));
    expect(await client.settle()).toEqual(["DATA 3 hello", "HEADERS 3 end grpc-status=0"]);
  });

  it("stays within its stream's window, which settings widen and narrow, and holds up no other", async () => {
    await using place = await arrange();
    const client = await place.greeted(frameBytes(settings, 0, 0, hex("0004 0000000a")));
    client.send(...big(1, 100), call(3));
    expect(await client.settle()).toEqual([
      "HEADERS 1 :status=200 content-type=application/grpc",
      `DATA 1 ${"\x07".repeat(5)}`,
      ...answered(3),
    ]);
    client.send(frameBytes(settings, 0, 0, hex("0004 00000005")), windowUpdateBytes(1, 5));
    expect(await client.settle()).toEqual(["SETTINGS ack"]);
    client.send(frameBytes(settings, 0, 0, hex("0004 00001000")));
    expect(await client.settle()).toEqual(["SETTINGS ack", "DATA 1 95 bytes", "HEADERS 1 end grpc-status=0"]);
  });

  it("uses no table where the client keeps a smaller one, also from the middle on", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(call(1), frameBytes(settings, 0, 0, hex("0001 00000000")), call(3), call(5));
    expect(await client.settle()).toEqual([...answered(1), "SETTINGS ack", ...answered(3), ...answered(5)]);
    const strict = await place.greeted(frameBytes(settings, 0, 0, hex("0001 00000000")));
    strict.send(call(1, "/test/Fail", "a"), call(3));
    expect(await strict.settle()).toEqual([failed(1, 9, "a"), ...answered(3)]);
  });

  it("that is a failure carries its text, percent-encoded and cut off", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(call(1, "/test/Fail", "50% ü\n"), call(3, "/test/Fail", "x".repeat(5000)));
    expect(await client.settle()).toEqual([failed(1, 9, "50%25 %C3%BC%0A"), failed(3, 9, "x".repeat(4096))]);
  });

  it("may come later and in any order, and only once", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(call(1, "/test/Later"), call(3, "/test/Later"));
    await client.settle();
    place.later[1]?.answer(Buffer.from("second"));
    place.later[1]?.fail(13, "again");
    place.later[0]?.answer(Buffer.from("first"));
    place.later[0]?.answer(Buffer.from("again"));
    expect(await client.settle()).toEqual([...answered(3, "second"), ...answered(1, "first")]);
  });

  it("is not read by everybody: who does not is not read from either", async () => {
    await using place = await arrange();
    const client = await place.greeted(frameBytes(settings, 0, 0, hex("0004 7fffffff")));
    client.send(windowUpdateBytes(0, 0x7fffffff - 65_535));
    await client.settle();
    client.socket.pause();
    // More than the kernel and both sides buffer together.
    let streamId = 1;
    const [served] = place.sockets;
    while (served?.isPaused() === false && streamId < 2001) {
      client.send(...big(streamId, 65_536));
      streamId += 2;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(served?.isPaused()).toBe(true);
    expect(served?.writableLength).toBeLessThan(4 * 1024 * 1024);
    client.socket.resume();
    const said = await client.settle();
    expect(said.filter((each) => each.endsWith("end grpc-status=0"))).toHaveLength((streamId - 1) / 2);
  });
});

describe("a call that the client gives up", () => {
  const reset = (streamId: number) => frameBytes(rstStream, 0, streamId, hex("00000008"));

  it("is told so, once, and its answer goes nowhere", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(call(1, "/test/Later"), reset(1), reset(1));
    await client.settle();
    expect(place.cancelled).toEqual(place.later);
    place.later[0]?.answer(Buffer.from("late"));
    client.send(call(3));
    expect(await client.settle()).toEqual(answered(3));
  });

  it("with the connection is told so too", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(call(1, "/test/Later"), call(3, "/test/Later"));
    await client.settle();
    const [served] = place.sockets;
    client.socket.destroy();
    if (served !== undefined) await once(served, "close");
    expect(place.cancelled).toHaveLength(2);
    place.later[0]?.answer(none);
  });

  it("counts until its method has ended, so that resets make no room (CVE-2023-44487)", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    for (let index = 0; index < concurrentCallsMax + 5; index++) client.send(call(2 * index + 1, "/test/Later"), reset(2 * index + 1));
    const said = await client.settle();
    expect(said).toEqual(Array.from({ length: 5 }, (_none, index) => `RST_STREAM ${2 * (concurrentCallsMax + index) + 1} 7`));
    expect(place.later).toHaveLength(concurrentCallsMax);
    place.later[0]?.answer(none);
    client.send(call(2 * concurrentCallsMax + 11));
    expect(await client.settle()).toEqual(answered(2 * concurrentCallsMax + 11));
  });
});

describe("what breaks the rules of HTTP/2 ends the connection:", () => {
  const longBlock = to("/test/Echo", { "x-long": "x".repeat(40_000) });
  it.each<[string, Buffer[], number]>([
    ["a first frame other than SETTINGS", [], 1],
    ["HEADERS on stream 0", [frameBytes(headers, endHeaders, 0, to("/"))], 1],
    ["HEADERS on an even stream", [begin(2, to("/"))], 1],
    ["DATA on stream 0", [content(0, none)], 1],
    ["DATA on an idle stream", [content(1, none)], 1],
    ["WINDOW_UPDATE on an idle stream", [windowUpdateBytes(1, 1)], 1],
    ["RST_STREAM on an idle stream", [frameBytes(rstStream, 0, 1, hex("00000008"))], 1],
    ["RST_STREAM of three bytes", [call(1), frameBytes(rstStream, 0, 1, hex("000008"))], 6],
    ["SETTINGS on a stream", [frameBytes(settings, 0, 1, none)], 1],
    ["SETTINGS of five bytes", [frameBytes(settings, 0, 0, hex("0001000000"))], 6],
    ["an acknowledgement with a content", [frameBytes(settings, ack, 0, hex("000100000000"))], 6],
    ["SETTINGS_ENABLE_PUSH of 2", [frameBytes(settings, 0, 0, hex("0002 00000002"))], 1],
    ["SETTINGS_INITIAL_WINDOW_SIZE of 2^31", [frameBytes(settings, 0, 0, hex("0004 80000000"))], 3],
    ["SETTINGS_MAX_FRAME_SIZE of 16383", [frameBytes(settings, 0, 0, hex("0005 00003fff"))], 1],
    ["PING on a stream", [frameBytes(ping, 0, 1, Buffer.alloc(8))], 1],
    ["PING of seven bytes", [frameBytes(ping, 0, 0, Buffer.alloc(7))], 6],
    ["GOAWAY of seven bytes", [frameBytes(goAway, 0, 0, Buffer.alloc(7))], 6],
    ["PUSH_PROMISE", [frameBytes(pushPromise, endHeaders, 1, hex("00000002"))], 1],
    ["PRIORITY on stream 0", [frameBytes(priority, 0, 0, Buffer.alloc(5))], 1],
    ["a window opened by nothing", [windowUpdateBytes(0, 0)], 1],
    ["a window of more than 2^31 - 1", [windowUpdateBytes(0, 0x7fffffff)], 3],
    ["WINDOW_UPDATE of three bytes", [frameBytes(windowUpdate, 0, 0, hex("000001"))], 6],
    ["CONTINUATION of nothing", [frameBytes(continuation, endHeaders, 1, none)], 1],
    ["another frame within a header block", [frameBytes(headers, 0, 1, none), frameBytes(ping, 0, 0, Buffer.alloc(8))], 1],
    ["another stream within a header block", [frameBytes(headers, 0, 1, none), frameBytes(continuation, endHeaders, 3, to("/"))], 1],
    ["a header block without end", [frameBytes(headers, 0, 1, none), ...Array(64).fill(frameBytes(continuation, 0, 1, none))], 11],
    ["a header block of 40,000 bytes", [headersBytes(1, 0, longBlock)], 11],
    ["a header block that cannot be decoded", [begin(1, hex("ff80"))], 9],
    ["padding longer than its frame", [begin(1, to("/test/Echo")), content(1, hex("0500"), padded)], 1],
    ["padding that nobody measured", [begin(1, to("/test/Echo")), content(1, none, padded)], 6],
    ["a frame of 16,385 bytes", [begin(1, to("/test/Echo")), content(1, Buffer.alloc(16_385))], 6],
    ["HEADERS for a stream that has ended", [call(1), begin(1, to("/"))], 5],
    ["DATA for a stream that has ended", [call(1), content(1, none)], 5],
    ["a stream number that was passed over", [call(5), call(3)], 5],
  ])("%s", async (what, frames, errorCode) => {
    await using place = await arrange();
    const client = place.dial();
    client.send(clientPreface, ...(what.startsWith("a first frame") ? [windowUpdateBytes(0, 1)] : [noSettings]), ...frames);
    const said = await client.until("closed");
    expect(said.at(-1)).toBe("closed");
    expect(said.at(-2)).toMatch(new RegExp(`^GOAWAY \\d+ ${errorCode} \\S`));
    // And nobody else's.
    expect(await (await place.greeted()).settle()).toEqual([]);
  });
});

describe("what breaks the rules of a stream ends that stream:", () => {
  it.each<[string, Buffer[], number]>([
    ["DATA after its end", [call(1, "/test/Later"), content(1, none)], 5],
    ["HEADERS after its end", [call(1, "/test/Later"), begin(1, encodeLiterals([["x", "1"]]))], 5],
    ["trailers that are not the end", [begin(1, to("/test/Echo")), begin(1, encodeLiterals([["x", "1"]]))], 1],
    [
      "pseudo-headers in trailers",
      [begin(1, to("/test/Echo")), frameBytes(headers, endHeaders | endStream, 1, encodeLiterals([[":path", "/"]]))],
      1,
    ],
    ["a window opened by nothing", [call(1, "/test/Later"), windowUpdateBytes(1, 0)], 1],
    ["a window of more than 2^31 - 1", [call(1, "/test/Later"), windowUpdateBytes(1, 0x7fffffff)], 3],
    ["PRIORITY of four bytes", [call(1, "/test/Later"), frameBytes(priority, 0, 1, Buffer.alloc(4))], 6],
  ])("%s", async (_what, frames, errorCode) => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(...frames, call(3));
    expect(await client.settle()).toEqual([`RST_STREAM 1 ${errorCode}`, ...answered(3)]);
    expect(place.cancelled).toEqual(place.later);
  });
});

describe("a flood ends the connection:", () => {
  it.each<[string, (index: number) => Buffer]>([
    ["of PINGs", () => frameBytes(ping, 0, 0, Buffer.alloc(8))],
    ["of SETTINGS", () => noSettings],
    [
      "of resets",
      (index) => Buffer.concat([begin(2 * index + 1, to("/test/Echo")), frameBytes(rstStream, 0, 2 * index + 1, hex("00000008"))]),
    ],
    ["of malformed requests", (index) => begin(2 * index + 1, to("/", { ":path": undefined }))],
    ["of empty DATA", (index) => (index === 0 ? begin(1, to("/test/Echo")) : content(1, none, 0))],
    ["of PRIORITY", () => frameBytes(priority, 0, 1, Buffer.alloc(5))],
    ["of unknown frames", () => frameBytes(0x42, 0, 0, none)],
  ])("%s", async (_what, frame) => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(...Array.from({ length: 10_100 }, (_none, index) => frame(index)));
    const said = await client.until("closed");
    expect(said.at(-2)).toMatch(/^GOAWAY \d+ 11 too many frames serve no call$/);
  });

  it("but a client that calls as often as it pings goes on", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(windowUpdateBytes(0, 1_000_000));
    const pair = (index: number) => Buffer.concat([frameBytes(ping, 0, 0, Buffer.alloc(8)), call(2 * index + 1)]);
    for (let batch = 0; batch < 12; batch++) {
      client.send(...Array.from({ length: 1000 }, (_none, index) => pair(1000 * batch + index)));
      expect((await client.settle()).at(-1)).toBe(`HEADERS ${2 * (1000 * batch + 999) + 1} end grpc-status=0`);
    }
  });
});

describe("shutting down", () => {
  it("takes what is on its way, ends what is under way, and closes", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    client.send(call(1, "/test/Later"));
    await client.settle();
    place.connections[0]?.shutDown();
    expect(await client.until("PING kmsmark\0")).toEqual(["GOAWAY 2147483647 0"]);
    // Sent before the client could know.
    client.send(call(3), frameBytes(ping, ack, 0, Buffer.from("kmsmark\0")), call(5), frameBytes(rstStream, 0, 7, hex("00000008")));
    expect(await client.settle()).toEqual([...answered(3), "GOAWAY 3 0"]);
    place.later[0]?.answer(Buffer.from("done"));
    expect(await client.until("closed")).toEqual([...answered(1, "done"), "closed"]);
  });

  it("closes at once where nothing is under way, or the client has not begun", async () => {
    await using place = await arrange();
    const client = await place.greeted();
    place.connections[0]?.shutDown();
    client.send(frameBytes(ping, ack, 0, Buffer.from("kmsmark\0")));
    expect(await client.until("closed")).toEqual(["GOAWAY 2147483647 0", "PING kmsmark\0", "GOAWAY 0 0", "closed"]);
    const silent = place.dial();
    await silent.until("WINDOW_UPDATE 0 983041");
    place.connections[1]?.shutDown();
    expect(await silent.until("closed")).toEqual(["closed"]);
  });
});

describe("whatever the bytes", () => {
  const wildFrame = fc
    .record({
      type: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 9 }) }, { weight: 1, arbitrary: fc.nat(255) }),
      flags: fc.oneof(fc.constantFrom(0, 1, 4, 5, 0xc), fc.nat(255)),
      streamId: fc.oneof(fc.constantFrom(0, 1, 3, 5), fc.nat(0x7fffffff)),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom(to("/test/Echo"), to("/test/Later"), message("x"), Buffer.alloc(4, 1), Buffer.alloc(8)),
      ),
    })
    .map(({ type, flags, streamId, payload }) => frameBytes(type, flags, streamId, Buffer.from(payload)));

  it("the server answers the next client", async () => {
    await using place = await arrange();
    await fc.assert(
      fc.asyncProperty(fc.array(wildFrame, { maxLength: 30 }), async (frames) => {
        const client = place.dial();
        client.send(clientPreface, noSettings, ...frames);
        client.socket.end();
        await client.until("closed");
        expect(place.sockets.splice(0)).toHaveLength(1);
        const [connection] = place.connections.splice(0);
        connection?.shutDown();
        for (const each of place.later.splice(0)) each.answer(each.message);
      }),
      { numRuns: 75 },
    );
    const client = await place.greeted();
    client.send(call(1));
    expect(await client.settle()).toEqual(answered(1));
  });
});
