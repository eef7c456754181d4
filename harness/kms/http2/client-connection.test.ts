import { Writable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CallOwner, ClientConnection, type EncodedRequests } from "./client-connection.ts";
import {
  clientPreface,
  type Frame,
  FrameSplitter,
  frameBytes,
  frameFlags,
  frameTypes,
  settings,
  settingsBytes,
  windowUpdateBytes,
} from "./frames.ts";
import { trailersOnly } from "./grpc.ts";
import { encodeInteger, encodeLiterals, encodeString, type Header, HpackDecoder } from "./hpack.ts";
import { RequestHeaders } from "./request-headers.ts";

const path = "/v2.KeyManagementService/Encrypt";
const common: readonly Header[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "localhost"],
  ["te", "trailers"],
];

/** One request for each length, whose bytes are its number. */
function requestsOf(lengths: readonly number[]): EncodedRequests {
  const frames = lengths.map((length, number) =>
    frameBytes(frameTypes.data, frameFlags.endStream, 0, framed(Buffer.alloc(length, number + 1))),
  );
  const offsets = Uint32Array.from([0, ...frames], () => 0);
  for (const [number, frame] of frames.entries()) offsets[number + 1] = (offsets[number] ?? 0) + frame.length;
  return { bytes: Buffer.concat(frames), offsets, routes: new Uint8Array(lengths.length) };
}

/** A message with gRPC's prefix. */
function framed(message: Buffer, flag = 0): Buffer {
  const prefix = Buffer.of(flag, 0, 0, 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** A connection whose server is the test: what is sent can be looked at, and what is answered is put in. */
function connectionTo({
  lengths = [32],
  firstStreamId = 1,
}: {
  readonly lengths?: readonly number[];
  readonly firstStreamId?: number;
} = {}) {
  const written: Buffer[] = [];
  const socket = new Writable({
    write(chunk, _encoding, done) {
      written.push(Buffer.from(chunk));
      done();
    },
  });
  const told: string[] = [];
  const messages = new Map<number, string>();
  const owner: CallOwner = {
    onMessage: (tag, bytes, from, to) => messages.set(tag, `${messages.get(tag) ?? ""}${bytes.toString("latin1", from, to)}`),
    onEnd: (tag, code, failure) => told.push(failure === undefined && code === 0 ? `${tag} ok` : `${tag} ${code} ${failure}`),
    onUnsent: (tag, _deadlineMs, reason) => told.push(`${tag} unsent: ${reason}`),
    onRoom: () => told.push("room"),
    onRetired: (reason) => told.push(`retired: ${reason}`),
    onClosed: (reason) => told.push(`closed: ${reason}`),
  };
  const connection = new ClientConnection({
    socket,
    headers: new RequestHeaders(common, [path]),
    requests: requestsOf(lengths),
    owner,
    firstStreamId,
  });
  const splitter = new FrameSplitter(true);
  return {
    connection,
    socket,
    told,
    messages,
    /** The frames that came since the last time. Writes follow one another, so a turn has to pass between two. */
    async sent(): Promise<Frame[]> {
      await new Promise((resolve) => setImmediate(resolve));
      return written.splice(0).flatMap((bytes) => [...splitter.split(bytes)]);
    },
    receive(...frames: Buffer[]) {
      const bytes = Buffer.concat(frames);
      // A read of a socket is 64 KiB at most.
      for (let at = 0; at < bytes.length; at += 65_536) connection.read(Math.min(65_536, bytes.length - at), bytes.subarray(at));
    },
  };
}

const noSettings = settingsBytes([]);
const headersBlock = encodeLiterals([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);
const trailersBlock = encodeLiterals([["grpc-status", "0"]]);
const answerHeaders = (id: number) => frameBytes(frameTypes.headers, frameFlags.endHeaders, id, headersBlock);
const answerData = (id: number, message: string) => frameBytes(frameTypes.data, 0, id, framed(Buffer.from(message)));
const answerTrailers = (id: number, block = trailersBlock) =>
  frameBytes(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, id, block);
const answer = (id: number, message = "m") => Buffer.concat([answerHeaders(id), answerData(id, message), answerTrailers(id)]);
const uint32 = (...values: number[]) =>
  Buffer.concat(values.map((value) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value].map((byte) => byte & 255))));
const goAway = (lastId: number, code = 0, text = "") =>
  frameBytes(frameTypes.goAway, 0, 0, Buffer.concat([uint32(lastId, code), Buffer.from(text)]));
const reset = (id: number, code: number) => frameBytes(frameTypes.rstStream, 0, id, uint32(code));

describe("what is sent", () => {
  it("begins with the preface, and then sends calls whose headers shrink to a few bytes", async () => {
    const { connection, receive, sent } = connectionTo();
    const begin = await sent();
    expect(begin.map(({ type }) => type)).toEqual([frameTypes.preface, frameTypes.settings, frameTypes.windowUpdate]);
    expect(begin[0]?.bytes).toEqual(clientPreface);
    expect(connection.open(0, 0, 0)).toBe(false);
    receive(noSettings);
    const decoder = new HpackDecoder();
    for (const call of [0, 1, 2]) {
      expect(connection.open(call, 0, 0)).toBe(true);
      connection.flush();
      const [head, data] = (await sent()).filter(({ streamId }) => streamId !== 0);
      expect([head?.streamId, head?.flags, data?.streamId, data?.flags]).toEqual([
        2 * call + 1,
        frameFlags.endHeaders,
        2 * call + 1,
        frameFlags.endStream,
      ]);
      expect(data?.payload).toEqual(framed(Buffer.alloc(32, 1)));
      expect(decoder.decode(head?.payload ?? Buffer.alloc(0))).toEqual([[":path", path], ...common]);
      if (call > 0) expect(head?.payload.length).toBe(common.length + 1);
    }
  });

  it("acknowledges settings and pings", async () => {
    const { receive, sent } = connectionTo();
    await sent();
    receive(
      noSettings,
      frameBytes(frameTypes.ping, 0, 0, Buffer.from("8 bytes!")),
      frameBytes(frameTypes.ping, frameFlags.ack, 0, Buffer.alloc(8)),
    );
    const frames = await sent();
    expect(frames.map(({ type, flags }) => [type, flags])).toEqual([
      [frameTypes.settings, frameFlags.ack],
      [frameTypes.ping, frameFlags.ack],
    ]);
    expect(frames[1]?.payload.toString()).toBe("8 bytes!");
  });

  it("keeps to the server's table of headers, also when it changes in the middle", async () => {
    const { connection, receive, sent } = connectionTo();
    const decoder = new HpackDecoder();
    await sent();
    receive(noSettings);
    const tables = [0, 100, 4096, 65_536, 50, 4096];
    for (const [call, bytes] of tables.entries()) {
      receive(settingsBytes([[0x1, bytes]]));
      for (const again of [0, 1, 2]) connection.open(3 * call + again, 0, 0);
      connection.flush();
      const heads = (await sent()).filter(({ type }) => type === frameTypes.headers);
      // The decoder is that of the server: it forgets what its table has no room for, and refuses what is in none.
      for (const { payload } of heads) expect(decoder.decode(payload)).toEqual([[":path", path], ...common]);
      expect(heads).toHaveLength(3);
      expect(heads.at(-1)?.payload.length).toSatisfy((length: number) => (bytes >= 4096 ? length === 5 : length > 5));
    }
  });

  it("waits for a window, sends what goes into it, and lets small calls not wait for ever", async () => {
    const { connection, receive, sent, told } = connectionTo({ lengths: [35, 60_000] });
    await sent();
    receive(settingsBytes([[settings.initialWindowSize, 0]]));
    await sent();
    for (const call of [0, 1]) expect(connection.open(call, call, 0)).toBe(true);
    connection.flush();
    expect((await sent()).map(({ type, streamId }) => [type, streamId])).toEqual([
      [frameTypes.headers, 1],
      [frameTypes.headers, 3],
    ]);
    receive(windowUpdateBytes(1, 10));
    expect((await sent()).map(({ payload, flags }) => [payload.length, flags])).toEqual([[10, 0]]);
    receive(settingsBytes([[settings.initialWindowSize, 30]]));
    expect(
      (await sent())
        .filter(({ type }) => type === frameTypes.data)
        .map(({ streamId, payload, flags }) => [streamId, payload.length, flags]),
    ).toEqual([
      [1, 30, frameFlags.endStream],
      [3, 30, 0],
    ]);
    // Less than was sent already: the window is negative now, and 20 bytes bring it to nothing.
    receive(settingsBytes([[settings.initialWindowSize, 10]]), windowUpdateBytes(3, 20));
    expect((await sent()).filter(({ type }) => type === frameTypes.data)).toEqual([]);
    receive(windowUpdateBytes(3, 70_000));
    const rest = (await sent()).map(({ payload }) => payload.length);
    expect(rest).toEqual([16_384, 16_384, 16_384, 60_005 - 30 - 3 * 16_384]);
    told.length = 0;
    receive(answer(1), answer(3));
    expect(told).toEqual(["0 ok", "1 ok"]);
  });

  it("sends no more than the connection's window, and tells when there is room again", async () => {
    const { connection, receive, sent, told } = connectionTo({ lengths: [16_379] });
    await sent();
    receive(noSettings);
    const opened = Array.from({ length: 8 }, (_, call) => connection.open(call, 0, 0));
    connection.flush();
    // 65,535 bytes are three whole requests and nearly a fourth.
    expect(opened).toEqual([true, true, true, true, false, false, false, false]);
    const bytes = (await sent()).filter(({ type }) => type === frameTypes.data).reduce((sum, { payload }) => sum + payload.length, 0);
    expect(bytes).toBe(65_535);
    told.length = 0;
    receive(windowUpdateBytes(0, 1));
    expect(told).toEqual([]);
    receive(windowUpdateBytes(0, 1));
    expect(told).toEqual(["room"]);
  });

  it("opens no more streams than the server allows", () => {
    const { connection, receive, told } = connectionTo();
    receive(settingsBytes([[settings.maxConcurrentStreams, 2]]));
    expect([0, 1, 2].map((call) => connection.open(call, 0, 0))).toEqual([true, true, false]);
    told.length = 0;
    receive(answer(3));
    expect(told).toEqual(["1 ok", "room"]);
    expect(connection.open(2, 0, 0)).toBe(true);
    receive(settingsBytes([[settings.maxConcurrentStreams, 0]]), answer(1), answer(5));
    expect(connection.open(3, 0, 0)).toBe(false);
  });

  it("retires when the stream ids are used up, and closes when the last call is over", () => {
    const { connection, receive, told } = connectionTo({ firstStreamId: 2 ** 31 - 3 });
    receive(noSettings);
    expect([0, 1, 2].map((call) => connection.open(call, 0, 0))).toEqual([true, true, false]);
    expect(told).toEqual(["room", "retired: its stream ids are used up"]);
    receive(answer(2 ** 31 - 1), answer(2 ** 31 - 3));
    expect(told.slice(2)).toEqual(["1 ok", "0 ok", "closed: its stream ids are used up"]);
  });

  it("keeps a call that hangs while thousands pass it", () => {
    const { connection, receive, told } = connectionTo();
    receive(noSettings);
    connection.open(-1, 0, 0);
    for (let call = 0; call < 5000; call++) {
      connection.open(call, 0, 0);
      connection.flush();
      receive(answer(2 * call + 3), windowUpdateBytes(0, 37));
    }
    receive(answer(1));
    expect(told.filter((line) => line.endsWith(" ok"))).toHaveLength(5001);
    expect(told.at(-1)).toBe("-1 ok");
  });
});

describe("what is answered", () => {
  const opened = (calls = 1) => {
    const made = connectionTo();
    made.receive(noSettings);
    for (let call = 0; call < calls; call++) made.connection.open(call, 0, 1000);
    made.connection.flush();
    made.told.length = 0;
    return made;
  };

  it("is told with its message", () => {
    const { receive, told, messages } = opened();
    receive(answer(1, "hello"));
    expect(told).toEqual(["0 ok"]);
    expect(messages.get(0)).toBe("hello");
  });

  it.each<[name: string, frames: readonly Buffer[], told: string]>([
    ["trailers alone", [answerTrailers(1, trailersOnly(9, "no key 100 %"))], "0 9 no key 100 %"],
    ["trailers alone that say OK", [answerTrailers(1, trailersOnly(0, ""))], "0 13 the answer is OK and has no message"],
    ["an HTTP status", [answerTrailers(1, encodeLiterals([[":status", "503"]]))], "0 14 the answer has the HTTP status 503"],
    [
      "another content type",
      [
        frameBytes(
          frameTypes.headers,
          4,
          1,
          encodeLiterals([
            [":status", "200"],
            ["content-type", "text/html"],
          ]),
        ),
      ],
      '0 2 the answer is no gRPC: its content-type is "text/html"',
    ],
    ["no :status", [frameBytes(frameTypes.headers, 4, 1, trailersBlock)], "0 2 the answer has no :status"],
    [
      "a status after the message",
      [answerHeaders(1), answerData(1, "m"), answerTrailers(1, encodeLiterals([["grpc-status", "14"]]))],
      "0 14 ",
    ],
    [
      "no grpc-status",
      [answerHeaders(1), answerData(1, "m"), answerTrailers(1, encodeLiterals([["x", "y"]]))],
      "0 2 the answer's trailers have no grpc-status",
    ],
    [
      "no trailers",
      [answerHeaders(1), frameBytes(frameTypes.data, 1, 1, framed(Buffer.from("m")))],
      "0 13 the answer ends without a status",
    ],
    [
      "a :status in the trailers",
      [
        answerHeaders(1),
        answerData(1, "m"),
        answerTrailers(
          1,
          encodeLiterals([
            [":status", "200"],
            ["grpc-status", "0"],
          ]),
        ),
      ],
      "0 13 the answer's trailers have a :status",
    ],
    ["two messages", [answerHeaders(1), answerData(1, "m"), answerData(1, "m")], "0 13 the answer has a second message"],
    [
      "two messages in one frame",
      [answerHeaders(1), frameBytes(0, 0, 1, Buffer.concat([framed(Buffer.from("m")), framed(Buffer.from("n"))]))],
      "0 13 the answer has more than its message",
    ],
    [
      "half a message",
      [answerHeaders(1), frameBytes(0, 0, 1, framed(Buffer.from("message")).subarray(0, 8)), answerTrailers(1)],
      "0 13 the answer's message is cut short",
    ],
    [
      "a compressed message",
      [answerHeaders(1), frameBytes(0, 0, 1, framed(Buffer.from("m"), 1))],
      "0 13 the answer is compressed, though no compression was offered",
    ],
    [
      "a message of 5 MiB",
      [answerHeaders(1), frameBytes(0, 0, 1, Buffer.from("0000500000", "hex"))],
      "0 8 the answer's message has 5242880 bytes",
    ],
    ["a message without headers", [answerData(1, "m")], "0 13 the answer begins without headers"],
    ["headers twice", [answerHeaders(1), answerHeaders(1)], "0 13 the answer has headers that neither begin nor end it"],
    ["a reset", [answerHeaders(1), reset(1, 0xb)], "0 8 the server reset the call: ENHANCE_YOUR_CALM"],
    ["a reset without a reason", [answerHeaders(1), answerData(1, "m"), reset(1, 0)], "0 13 the server reset the call: NO_ERROR"],
    ["a refusal", [reset(1, 7)], "0 unsent: the server reset the call: REFUSED_STREAM"],
    ["a refusal of what was begun", [answerHeaders(1), reset(1, 7)], "0 14 the server reset the call: REFUSED_STREAM"],
  ])("may be %s, which ends the call alone", (_name, frames, expected) => {
    const { connection, receive, told } = opened(2);
    receive(...frames);
    expect(told).toEqual([expected]);
    receive(answer(3));
    expect(told).toEqual([expected, "1 ok"]);
    expect(connection.isReady).toBe(true);
  });

  it.each<[name: string, frames: readonly Buffer[], reason: string]>([
    ["a stream that nobody opened", [answerHeaders(5)], "on a stream that nobody opened"],
    ["an even stream", [answerHeaders(2)], "on a stream that nobody opened"],
    ["no stream at all", [answerData(0, "m")], "on a stream that nobody opened"],
    ["a message after the end", [answer(1), answerData(1, "m")], "goes on with a stream that it has ended"],
    ["a push", [frameBytes(frameTypes.pushPromise, 4, 1, uint32(2))], "the server pushes"],
    ["a frame of 16,385 bytes", [frameBytes(0x42, 0, 0, Buffer.alloc(16_385))], "has 16385 bytes"],
    ["a header block that is none", [frameBytes(1, 4, 1, Buffer.from("ffffffffff", "hex"))], "header block"],
    ["a header block that is interrupted", [frameBytes(1, 0, 1, headersBlock), answerData(1, "m")], "within a header block"],
    [
      "a header block that does not end",
      [frameBytes(1, 0, 1, Buffer.alloc(0)), ...Array.from({ length: 8000 }, () => frameBytes(9, 0, 1, Buffer.alloc(0)))],
      "does not end",
    ],
    ["a continuation of nothing", [frameBytes(9, 4, 1, headersBlock)], "continues nothing"],
    ["padding that is longer than its frame", [frameBytes(0, 8, 1, Buffer.of(9, 1))], "padding"],
    ["a window that grows by nothing", [windowUpdateBytes(0, 0)], "adds nothing"],
    ["a window that is too big", [windowUpdateBytes(0, 2 ** 31 - 1)], "too big"],
    ["an initial window that is too big", [settingsBytes([[4, 2 ** 31]])], "INITIAL_WINDOW_SIZE"],
    ["a frame size that is too small", [settingsBytes([[5, 1000]])], "MAX_FRAME_SIZE"],
    ["a wish to push", [settingsBytes([[2, 1]])], "ENABLE_PUSH"],
    ["too short a header list", [settingsBytes([[6, 100]])], "MAX_HEADER_LIST_SIZE"],
    ["settings that are cut short", [frameBytes(4, 0, 0, Buffer.alloc(5))], "SETTINGS frame has a wrong length"],
    ["settings of a stream", [frameBytes(4, 0, 1, Buffer.alloc(0))], "settings are on a stream"],
    ["a ping of 7 bytes", [frameBytes(6, 0, 0, Buffer.alloc(7))], "PING frame has a wrong length"],
    ["a reset of 3 bytes", [frameBytes(3, 0, 1, Buffer.alloc(3))], "RST_STREAM frame has a wrong length"],
    ["a reset of an idle stream", [reset(9, 8)], "nobody opened"],
    ["a goaway that is cut short", [frameBytes(7, 0, 0, Buffer.alloc(7))], "GOAWAY frame has a wrong length"],
  ])("may not be %s, which ends the connection with a reason", async (_name, frames, reason) => {
    const { receive, told, sent } = opened(2);
    await sent();
    receive(...frames);
    expect(told.filter((line) => line.startsWith("retired"))).toHaveLength(1);
    expect(told.at(-1)).toMatch(/^closed: the server breaks HTTP\/2: /);
    expect(told.at(-1)).toContain(reason);
    // Each call was told of once.
    expect(
      told
        .map((line) => line.split(" ")[0])
        .filter((tag) => tag === "0" || tag === "1")
        .toSorted(),
    ).toEqual(["0", "1"]);
    expect((await sent()).at(-1)?.type).toBe(frameTypes.goAway);
  });

  it("that is no HTTP/2 is recognised", () => {
    const { receive, told } = connectionTo();
    receive(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(told.at(-1)).toBe("closed: the server breaks HTTP/2: what answers does not speak HTTP/2");
  });

  it("may be announced by 1xx, padded, prioritised, cut into continuations and mixed with what is unknown", () => {
    const { receive, told, messages } = opened();
    const priority = Buffer.from("0000000010", "hex");
    receive(
      frameBytes(1, 4, 1, encodeLiterals([[":status", "103"]])),
      frameBytes(1, 0x28, 1, Buffer.concat([Buffer.of(3), priority, headersBlock.subarray(0, 4), Buffer.alloc(3)])),
      frameBytes(9, 0, 1, headersBlock.subarray(4, 9)),
      frameBytes(9, 4, 1, headersBlock.subarray(9)),
      frameBytes(2, 0, 1, priority),
      frameBytes(0x99, 0xff, 77, Buffer.from("extension")),
      frameBytes(0, 8, 1, Buffer.concat([Buffer.of(2), framed(Buffer.from("hi")), Buffer.alloc(2)])),
      frameBytes(0, 8, 1, Buffer.of(4, 0, 0, 0, 0)),
      answerTrailers(1),
    );
    expect(told).toEqual(["0 ok"]);
    expect(messages.get(0)).toBe("hi");
  });

  it("comes late for a call that was given up, and is no fault then", () => {
    const { connection, receive, told } = opened(2);
    connection.expire(999);
    expect(told).toEqual([]);
    connection.expire(1000);
    expect(told).toEqual(["0 4 no answer before the deadline", "1 4 no answer before the deadline"]);
    receive(answer(1), reset(3, 8));
    connection.open(2, 0, 2000);
    receive(answer(5));
    expect(told.slice(2)).toEqual(["2 ok"]);
  });

  it("is waited for no longer when all is given up", () => {
    const { connection, told } = opened(2);
    connection.abort("enough");
    expect(told).toEqual(["0 0 enough", "1 0 enough"]);
  });
});

describe("GOAWAY", () => {
  it("gives back what the server will not do, in order, and waits for what it will", () => {
    const { connection, receive, told } = connectionTo();
    receive(noSettings);
    for (const call of [0, 1, 2, 3]) connection.open(call, 0, 0);
    connection.flush();
    told.length = 0;
    receive(goAway(2 ** 31 - 1, 0, "bye"));
    expect(told).toEqual(["retired: the server sent GOAWAY: NO_ERROR (bye)"]);
    expect(connection.open(9, 0, 0)).toBe(false);
    receive(answer(3), goAway(3));
    expect(told.slice(1)).toEqual(["1 ok", "2 unsent: the server sent GOAWAY: NO_ERROR", "3 unsent: the server sent GOAWAY: NO_ERROR"]);
    receive(answer(1));
    expect(told.slice(4)).toEqual(["0 ok", "closed: the server sent GOAWAY: NO_ERROR (bye)"]);
  });

  it("is not forgotten when the connection ends before the promised answers", async () => {
    const { connection, receive, told, sent } = connectionTo();
    receive(noSettings);
    for (const call of [0, 1]) connection.open(call, 0, 0);
    await sent();
    connection.flush();
    await sent();
    told.length = 0;
    receive(goAway(1, 0xb, "too many\npings"));
    connection.close("over");
    const reason = "the server sent GOAWAY: ENHANCE_YOUR_CALM (too many?pings)";
    expect(told).toEqual([`retired: ${reason}`, `1 unsent: ${reason}`, "0 14 over", "closed: over"]);
  });
});

it("gives back what was not written when the connection ends", async () => {
  const { connection, socket, receive, sent, told } = connectionTo();
  await sent();
  receive(noSettings);
  await sent();
  connection.open(0, 0, 0);
  connection.flush();
  await sent();
  connection.open(1, 0, 0);
  told.length = 0;
  socket.destroy(new Error("read ECONNRESET"));
  await sent();
  expect(told).toEqual(["retired: read ECONNRESET", "0 14 read ECONNRESET", "1 unsent: read ECONNRESET", "closed: read ECONNRESET"]);
});

it("counts what it receives, and opens the connection's window again", async () => {
  const { connection, receive, sent } = connectionTo();
  await sent();
  receive(noSettings);
  await sent();
  const message = framed(Buffer.alloc(4 * 1024 * 1024, 1));
  const pieces = Array.from({ length: 257 }, (_, at) => message.subarray(at * 16_384, (at + 1) * 16_384));
  let opened = 0;
  for (let call = 0; opened === 0 && call < 100; call++) {
    connection.open(call, 0, 0);
    const id = 2 * call + 1;
    receive(answerHeaders(id), ...pieces.map((piece) => frameBytes(0, 0, id, piece)), answerTrailers(id));
    const update = (await sent()).find(({ type, streamId }) => type === frameTypes.windowUpdate && streamId === 0);
    if (update !== undefined) opened = update.payload.readUInt32BE(0) / (call + 1) / message.length;
  }
  expect(opened).toBe(1);
});

describe("a server that is right", () => {
  /** Ways to say the same header (RFC 7541 section 6.2), the table's use among them. */
  const representation = fc.constantFrom("indexed", "incremental", "plain", "never");
  type Representation = "indexed" | "incremental" | "plain" | "never";

  /** Encodes with a table of its own that never evicts, as the decoder's does not either as long as so little is in it. */
  function encoder() {
    const table: Header[] = [];
    return (headers: readonly Header[], ways: readonly Representation[]): Buffer =>
      Buffer.concat(
        headers.map(([name, value], at) => {
          const way = ways[at % ways.length] ?? "plain";
          const known = table.findLastIndex((entry) => entry[0] === name && entry[1] === value);
          if (way === "indexed" && known !== -1) return encodeInteger(0x80, 7, 61 + table.length - known);
          const text = [encodeString(name), encodeString(value)];
          if (way === "never" || table.length > 50) return Buffer.concat([Buffer.of(0x10), ...text]);
          if (way === "plain") return Buffer.concat([Buffer.of(0x00), ...text]);
          table.push([name, value]);
          return Buffer.concat([Buffer.of(0x40), ...text]);
        }),
      );
  }

  interface Answer {
    readonly message: string;
    readonly code: number;
    readonly cuts: readonly number[];
    readonly ways: readonly Representation[];
    readonly padding: number;
    readonly blockCut: number;
    readonly between: "ping" | "settings" | "window" | "unknown" | "nothing";
  }
  const answers = fc.array(
    fc.record<Answer>({
      message: fc.string({ maxLength: 60 }),
      code: fc.constantFrom(0, 0, 0, 5, 13),
      cuts: fc.array(fc.nat(70), { maxLength: 3 }),
      ways: fc.array(representation, { minLength: 1, maxLength: 4 }),
      padding: fc.constantFrom(0, 0, 0, 1, 200),
      blockCut: fc.nat(60),
      between: fc.constantFrom("ping", "settings", "window", "unknown", "nothing"),
    }),
    { minLength: 1, maxLength: 12 },
  );

  function blockFrames(id: number, flags: number, block: Buffer, cut: number): Buffer[] {
    if (cut >= block.length) return [frameBytes(1, flags | frameFlags.endHeaders, id, block)];
    return [frameBytes(1, flags, id, block.subarray(0, cut)), frameBytes(9, frameFlags.endHeaders, id, block.subarray(cut))];
  }

  function dataFrames(id: number, { message, cuts, padding }: Answer): Buffer[] {
    const whole = framed(Buffer.from(message));
    const at = [0, ...cuts.filter((cut) => cut < whole.length).toSorted((a, b) => a - b), whole.length];
    return at.slice(1).map((to, piece) => {
      const payload = whole.subarray(at[piece], to);
      return padding === 0
        ? frameBytes(0, 0, id, payload)
        : frameBytes(0, 8, id, Buffer.concat([Buffer.of(padding), payload, Buffer.alloc(padding)]));
    });
  }

  const noise = {
    ping: frameBytes(6, 0, 0, Buffer.alloc(8)),
    settings: settingsBytes([[settings.initialWindowSize, 40_000]]),
    window: windowUpdateBytes(0, 1000),
    unknown: frameBytes(0x77, 3, 5, Buffer.from("?")),
    nothing: Buffer.alloc(0),
  };

  it("is understood whatever the order of its answers, the way that it writes them, and the borders of what is read", () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat(), { maxLength: 12 }), fc.integer({ min: 0, max: 2 ** 31 }), (given, cuts, shuffle) => {
        const { connection, told, messages } = connectionTo();
        const encode = encoder();
        connection.read(noSettings.length, noSettings);
        for (const call of given.keys()) connection.open(call, 0, 0);
        connection.flush();
        told.length = 0;
        const order = [...given.entries()].toSorted(([a], [b]) => ((a * 7919 + shuffle) % 31) - ((b * 7919 + shuffle) % 31));
        const steps = order.map(([call, one]) => {
          const id = 2 * call + 1;
          return [
            () =>
              blockFrames(
                id,
                0,
                encode(
                  [
                    [":status", "200"],
                    ["content-type", "application/grpc"],
                  ],
                  one.ways,
                ),
                one.blockCut,
              ),
            () => [noise[one.between], ...dataFrames(id, one)],
            () =>
              blockFrames(
                id,
                frameFlags.endStream,
                encode(
                  [
                    ["grpc-status", String(one.code)],
                    ["grpc-message", "why"],
                  ],
                  one.ways,
                ),
                one.blockCut,
              ),
          ];
        });
        // By turns, so that answers lie between one another's frames.
        const frames = [0, 1, 2].flatMap((step) => steps.flatMap((each) => each[step]?.() ?? []));
        const bytes = Buffer.concat(frames);
        const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
        for (const [at, from] of borders.slice(0, -1).entries()) {
          // One buffer for all, as the socket has: nothing may be kept of it.
          const chunk = Buffer.alloc(bytes.length, 0xee);
          const to = borders[at + 1] ?? from;
          bytes.copy(chunk, 0, from, to);
          connection.read(to - from, chunk);
          chunk.fill(0xee);
        }
        expect(told.toSorted()).toEqual(
          [...given.entries()].map(([call, { code }]) => (code === 0 ? `${call} ok` : `${call} ${code} why`)).toSorted(),
        );
        for (const [call, { message }] of given.entries()) expect(Buffer.from(messages.get(call) ?? "", "latin1").toString()).toBe(message);
      }),
      { numRuns: 150 },
    );
  });
});

it("tells each call once, whatever a server says", () => {
  const frame = fc
    .record({
      type: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x42),
      flags: fc.constantFrom(0, 1, 4, 5, 8, 0x0d, 0x20, 0xff),
      id: fc.constantFrom(0, 1, 3, 5, 7, 9, 2, 101),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 30 }),
        fc.constantFrom(
          headersBlock,
          trailersBlock,
          framed(Buffer.from("m")),
          uint32(0),
          uint32(1),
          uint32(5, 0),
          Buffer.alloc(8),
          Buffer.from("000400000000", "hex"),
        ),
      ),
    })
    .map(({ type, flags, id, payload }) => frameBytes(type, flags, id, Buffer.from(payload)));
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 40 }), fc.integer({ min: 1, max: 97 }), (frames, step) => {
      const { connection, told, receive } = connectionTo({ lengths: [40] });
      receive(noSettings);
      for (const call of [0, 1, 2, 3, 4]) connection.open(call, 0, 0);
      connection.flush();
      const bytes = Buffer.concat(frames);
      for (let at = 0; at < bytes.length; at += step) receive(bytes.subarray(at, at + step));
      connection.close("over");
      const told0 = told.filter((line) => /^\d/.test(line)).map((line) => line.split(" ")[0]);
      expect(told0.toSorted()).toEqual(["0", "1", "2", "3", "4"]);
      expect(told.filter((line) => line.startsWith("retired"))).toHaveLength(1);
      expect(told.at(-1)).toMatch(/^closed/);
    }),
    { numRuns: 400 },
  );
});
