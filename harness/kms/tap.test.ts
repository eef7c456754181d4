import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import type { Clock, Timer } from "../clock.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { connectKmsV1, connectKmsV2 } from "./client.ts";
import type { DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, StatusResponse, VersionResponse } from "./contract.ts";
import { parseFault } from "./fault-syntax.ts";
import { clientPreface, FrameSplitter, frameBytes, frameFlags, frameTypes } from "./http2/frames.ts";
import { encodeLiterals } from "./http2/hpack.ts";
import {
  type DecryptRequestV1,
  type DecryptResponseV1,
  type EncryptRequestV1,
  type EncryptResponseV1,
  kmsV1Service,
  kmsV2Service,
} from "./messages.ts";
import { startTap, startTapWorker, type Tap, type TapOptions } from "./tap.ts";
import type { TapRecord } from "./tap-record.ts";

/** A folder for sockets that vanishes with the test. */
function folder(): Disposable & { at(name: string): string } {
  const path = mkdtempSync(join(tmpdir(), "tap-"));
  return { at: (name) => join(path, name), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A call as a plugin of grpc-js gets it. */
type Call<Request> = ServerUnaryCall<Request, unknown>;
type Answer<Response> = sendUnaryData<Response>;

/**
 * A plugin whose ciphertext is the plaintext reversed, and whose key_id is `key-1`. A plaintext of one byte fails as Internal; a call
 * whose uid is in `silent` has no answer until `speak`.
 */
async function fakePlugin(socket: string) {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const reversed = (bytes: Uint8Array) => Uint8Array.from(bytes).reverse();
  const silent = new Set<string>();
  const unsaid: (() => void)[] = [];
  server.addService(kmsV2Service, {
    Status: (_call: Call<unknown>, answer: Answer<StatusResponse>) => answer(null, { version: "v2", healthz: "ok", keyId: "key-1" }),
    Encrypt: ({ request }: Call<EncryptRequest>, answer: Answer<EncryptResponse>) => {
      const ciphertext = reversed(request.plaintext);
      const speak = () => answer(null, { ciphertext, keyId: "key-1", annotations: new Map([["a.b", ciphertext]]) });
      if (silent.has(request.uid)) unsaid.push(speak);
      else if (ciphertext.length === 1) answer({ code: 13, details: "one byte" });
      else speak();
    },
    Decrypt: ({ request }: Call<DecryptRequest>, answer: Answer<DecryptResponse>) =>
      answer(null, { plaintext: reversed(request.ciphertext) }),
  });
  server.addService(kmsV1Service, {
    Version: (_call: Call<unknown>, answer: Answer<VersionResponse>) =>
      answer(null, { version: "v1beta1", runtimeName: "fake", runtimeVersion: "0" }),
    Encrypt: ({ request }: Call<EncryptRequestV1>, answer: Answer<EncryptResponseV1>) => answer(null, { cipher: reversed(request.plain) }),
    Decrypt: ({ request }: Call<DecryptRequestV1>, answer: Answer<DecryptResponseV1>) => answer(null, { plain: reversed(request.cipher) }),
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
  });
  return {
    silent,
    speak() {
      for (const speak of unsaid.splice(0)) speak();
    },
    /** Sends GOAWAY and waits for the calls that there are. */
    finish: () => new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

/** Plugin and tap. The client is made by the test. */
async function tapped(options: Partial<TapOptions> = {}, start: (options: TapOptions) => Promise<Tap> = startTap) {
  const stack = new AsyncDisposableStack();
  const sockets = stack.use(folder());
  const plugin = stack.use(await fakePlugin(sockets.at("plugin")));
  const tap = stack.use(await start({ listen: sockets.at("tap"), upstream: sockets.at("plugin"), ...options }));
  return { tap, plugin, sockets, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const withoutTimes = (records: readonly TapRecord[]) => records.map(({ startMs, durationMs, ...rest }) => rest);
const none = new Map<string, Uint8Array>();

describe("a call through the tap", () => {
  it("is answered by the plugin and recorded", async () => {
    await using setup = await tapped();
    using kms = connectKmsV2(setup.tap.socket);
    expect(await kms.status()).toEqual({ version: "v2", healthz: "ok", keyId: "key-1" });
    const encrypted = await kms.encrypt({ plaintext: Buffer.from("dek"), uid: "uid-1" });
    expect(Buffer.from(encrypted.ciphertext).toString()).toBe("ked");
    await kms.decrypt({ ...encrypted, uid: "uid-2" });
    const shared = { kms: "v2", keyId: "key-1", purpose: "work", grpcCode: 0, fault: undefined };
    expect(withoutTimes(await setup.tap.drain())).toEqual([
      { ...shared, sequence: 0, method: "Status", uid: "", requestBytes: 0, responseBytes: 15 },
      { ...shared, sequence: 1, method: "Encrypt", uid: "uid-1", requestBytes: 12, responseBytes: 24 },
      { ...shared, sequence: 2, method: "Decrypt", uid: "uid-2", requestBytes: 31, responseBytes: 5 },
    ]);
    expect(await setup.tap.drain()).toEqual([]);
    expect(await setup.tap.counts()).toEqual({
      Status: { calls: 1, failed: 0, probes: 0 },
      Version: { calls: 0, failed: 0, probes: 0 },
      Encrypt: { calls: 1, failed: 0, probes: 0 },
      Decrypt: { calls: 1, failed: 0, probes: 0 },
    });
    expect([await setup.tap.inFlight(), await setup.tap.problems()]).toEqual([0, []]);
  });

  it("is recorded with the plugin's failure", async () => {
    await using setup = await tapped();
    using kms = connectKmsV2(setup.tap.socket);
    await expect(kms.encrypt({ plaintext: Buffer.from("1"), uid: "u" })).rejects.toMatchObject({
      grpcCode: 13,
      message: expect.stringContaining("one byte"),
    });
    expect(await setup.tap.drain()).toMatchObject([{ method: "Encrypt", uid: "u", grpcCode: 13, responseBytes: 0 }]);
    expect((await setup.tap.counts()).Encrypt).toEqual({ calls: 1, failed: 1, probes: 0 });
  });

  it("is handed to onRecord where there is one", async () => {
    const records: TapRecord[] = [];
    await using setup = await tapped({ onRecord: (record) => records.push(record) });
    using kms = connectKmsV2(setup.tap.socket);
    await kms.status();
    expect([records.length, await setup.tap.drain()]).toEqual([1, []]);
  });

  it.each([
    ["in this thread", startTap],
    ["in a thread of its own", startTapWorker],
  ])("gets its own answer among 1,000 at once, %s", async (_name, start) => {
    await using setup = await tapped({}, start);
    using kms = connectKmsV2(setup.tap.socket, { timeoutMs: 60_000 });
    const plaintexts = Array.from({ length: 1000 }, (_, index) => Buffer.from(`plaintext ${index}`.padEnd(20 + (index % 50))));
    const answers = await Promise.all(plaintexts.map((plaintext, index) => kms.encrypt({ plaintext, uid: `uid-${index}` })));
    expect(answers.map(({ ciphertext }) => Buffer.from(ciphertext).reverse().toString())).toEqual(plaintexts.map(String));
    const records = (await setup.tap.drain()).toSorted((a, b) => a.sequence - b.sequence);
    expect(records.map(({ uid, requestBytes, keyId }) => ({ uid, requestBytes, keyId }))).toEqual(
      answers.map((_, index) => {
        const uid = `uid-${index}`;
        return {
          uid,
          requestBytes: kmsV2Service.Encrypt.requestSerialize({ plaintext: plaintexts[index] ?? Buffer.of(), uid }).length,
          keyId: "key-1",
        };
      }),
    );
    expect(await setup.tap.problems()).toEqual([]);
  });

  it.each([64 * 1024, 300_000, 1024 * 1024])("may carry %i bytes", async (bytes) => {
    await using setup = await tapped();
    using kms = connectKmsV2(setup.tap.socket);
    const plaintext = Buffer.alloc(bytes, "0123456789");
    const [first, second] = await Promise.all([kms.encrypt({ plaintext, uid: "a" }), kms.encrypt({ plaintext, uid: "b" })]);
    expect(Buffer.from(first.ciphertext).reverse().equals(plaintext)).toBe(true);
    expect(Buffer.from(second.ciphertext).reverse().equals(plaintext)).toBe(true);
    const lengthBytes = bytes < 2 ** 21 ? 3 : 4;
    expect((await setup.tap.drain()).map(({ requestBytes }) => requestBytes)).toEqual([
      bytes + 1 + lengthBytes + 3,
      bytes + 1 + lengthBytes + 3,
    ]);
    expect(await setup.tap.problems()).toEqual([]);
  });

  it("begins when its request is complete and lasts until its answer is, on the tap's clock", async () => {
    const clock = new VirtualClock();
    await clock.advance(1000);
    await using setup = await tapped({ clock });
    await clock.advance(250);
    using kms = connectKmsV2(setup.tap.socket);
    await kms.status();
    expect(setup.tap.startedWallMs).toBe(clock.wallMs() - 250);
    expect(await setup.tap.drain()).toMatchObject([{ startMs: 250, durationMs: 0 }]);
  });
});

describe("a health check of KMS v1", () => {
  it("is told from work by the word that it encrypts and what comes back", async () => {
    await using setup = await tapped();
    using kms = connectKmsV1(setup.tap.socket);
    await kms.version();
    for (const plain of ["ping", "pings", "pin", "a DEK of thirty-two bytes length"])
      await kms.decrypt(await kms.encrypt(Buffer.from(plain)));
    expect((await setup.tap.drain()).map(({ kms, method, purpose }) => `${kms} ${method} ${purpose}`)).toEqual([
      "v1 Version work",
      "v1 Encrypt probe",
      "v1 Decrypt probe",
      ...Array.from({ length: 3 }, () => ["v1 Encrypt work", "v1 Decrypt work"]).flat(),
    ]);
    expect((await setup.tap.counts()).Encrypt).toEqual({ calls: 4, failed: 0, probes: 1 });
  });

  it("is none in KMS v2", async () => {
    await using setup = await tapped();
    using kms = connectKmsV2(setup.tap.socket);
    await kms.encrypt({ plaintext: Buffer.from("ping"), uid: "u" });
    expect((await setup.tap.drain()).map(({ purpose }) => purpose)).toEqual(["work"]);
  });
});

describe("a call that has no answer", () => {
  it("is Canceled when the client gives up", async () => {
    await using setup = await tapped();
    setup.plugin.silent.add("lost");
    using kms = connectKmsV2(setup.tap.socket);
    const abort = new AbortController();
    const lost = kms.encrypt({ plaintext: Buffer.from("dek"), uid: "lost" }, { signal: abort.signal });
    await kms.status();
    expect(await setup.tap.inFlight()).toBe(1);
    abort.abort();
    await expect(lost).rejects.toMatchObject({ grpcCode: 1 });
    await kms.status();
    expect((await setup.tap.drain()).map(({ uid, grpcCode }) => `${uid} ${grpcCode}`)).toEqual([" 0", "lost 1", " 0"]);
    expect([await setup.tap.inFlight(), await setup.tap.problems()]).toEqual([0, []]);
  });

  it("is Unavailable when the plugin dies, and the next call reaches the next plugin", async () => {
    using sockets = folder();
    await using tap = await startTap({ listen: sockets.at("tap"), upstream: sockets.at("plugin") });
    using kms = connectKmsV2(tap.socket);
    {
      await using dying = await rawPlugin(sockets.at("plugin"));
      dying.send(frameBytes(frameTypes.settings, 0, 0, Buffer.alloc(0)));
      const lost = kms.encrypt({ plaintext: Buffer.from("dek"), uid: "lost" }).catch(({ grpcCode }) => grpcCode);
      while (!(await dying.received(1)).includes("lost")) await dying.received(1 + (await dying.received(1)).length);
      await dying[Symbol.asyncDispose]();
      expect(await lost).toBe(14);
    }
    expect(await tap.drain()).toMatchObject([{ method: "Encrypt", uid: "lost", keyId: "", responseBytes: 0, grpcCode: 14 }]);
    await using _next = await fakePlugin(sockets.at("plugin"));
    using again = connectKmsV2(tap.socket);
    expect((await again.status()).keyId).toBe("key-1");
    expect(await tap.problems()).toEqual([]);
  });

  it("is answered yet by a plugin that only takes no more calls", async () => {
    await using setup = await tapped();
    setup.plugin.silent.add("late");
    using kms = connectKmsV2(setup.tap.socket);
    const late = kms.encrypt({ plaintext: Buffer.from("dek"), uid: "late" });
    await kms.status();
    const finished = setup.plugin.finish();
    setup.plugin.speak();
    expect(Buffer.from((await late).ciphertext).toString()).toBe("ked");
    await finished;
    expect(await setup.tap.drain()).toMatchObject([{ method: "Status" }, { uid: "late", grpcCode: 0 }]);
    expect(await setup.tap.problems()).toEqual([]);
  });

  it("is Unavailable when the tap itself goes", async () => {
    const records: TapRecord[] = [];
    await using setup = await tapped({ onRecord: (record) => records.push(record) });
    setup.plugin.silent.add("lost");
    using kms = connectKmsV2(setup.tap.socket);
    const lost = kms.encrypt({ plaintext: Buffer.from("dek"), uid: "lost" });
    await kms.status();
    await setup.tap[Symbol.asyncDispose]();
    await expect(lost).rejects.toMatchObject({ grpcCode: 14 });
    expect(records.map(({ uid, grpcCode }) => `${uid} ${grpcCode}`)).toEqual([" 0", "lost 14"]);
  });
});

/** A virtual clock that tells when somebody begins to wait. */
class AnnouncingClock extends VirtualClock implements Clock {
  readonly #waits: (() => void)[] = [];

  override startTimer(ms: number, run: () => void): Timer {
    const timer = super.startTimer(ms, run);
    this.#waits.shift()?.();
    return timer;
  }

  nextWait(): Promise<void> {
    return new Promise((resolve) => this.#waits.push(resolve));
  }
}

describe("a fault", () => {
  it("delays the calls that it is for, and no others", async () => {
    const clock = new AnnouncingClock();
    await using setup = await tapped({ clock, faults: [parseFault("Encrypt:latency=40ms")] });
    using kms = connectKmsV2(setup.tap.socket);
    const waits = clock.nextWait();
    const slow = kms.encrypt({ plaintext: Buffer.from("dek"), uid: "slow" });
    await waits;
    await kms.status();
    expect(await setup.tap.inFlight()).toBe(1);
    await clock.advance(40);
    expect(Buffer.from((await slow).ciphertext).toString()).toBe("ked");
    expect(await setup.tap.drain()).toMatchObject([
      { method: "Status", durationMs: 0, fault: undefined },
      { uid: "slow", durationMs: 40, grpcCode: 0, fault: "Encrypt:latency=40ms" },
    ]);
  });

  it("delays messages beyond the flow-control window", async () => {
    const clock = new AnnouncingClock();
    await using setup = await tapped({ clock, faults: [parseFault("*:latency=1ms")] });
    using kms = connectKmsV2(setup.tap.socket);
    const waits = clock.nextWait();
    const plaintext = Buffer.alloc(1024 * 1024, "x");
    const slow = kms.encrypt({ plaintext, uid: "slow" });
    await waits;
    await clock.advance(1);
    expect((await slow).ciphertext.length).toBe(plaintext.length);
    expect(await setup.tap.problems()).toEqual([]);
  });

  it("forgets a delayed call that the client gives up, and gives its window back", async () => {
    const clock = new AnnouncingClock();
    await using setup = await tapped({ clock, faults: [parseFault("Encrypt:latency=1h")] });
    using kms = connectKmsV2(setup.tap.socket);
    const plaintext = Buffer.alloc(60_000, "x");
    // Together they hold back far more than a connection's window of 64 KiB.
    for (let round = 0; round < 40; round++) {
      const abort = new AbortController();
      const waits = clock.nextWait();
      const slow = kms.encrypt({ plaintext, uid: "slow" }, { signal: abort.signal });
      await waits;
      await kms.status();
      abort.abort();
      await expect(slow).rejects.toMatchObject({ grpcCode: 1 });
    }
    await setup.tap.setFaults([]);
    expect((await kms.encrypt({ plaintext, uid: "free" })).ciphertext.length).toBe(plaintext.length);
    expect([(await setup.tap.counts()).Encrypt, await setup.tap.inFlight()]).toEqual([{ calls: 41, failed: 40, probes: 0 }, 0]);
  });

  it("answers in the plugin's place", async () => {
    await using setup = await tapped({ faults: [parseFault("Status:error=Unavailable(100% gone: ü)")] });
    using kms = connectKmsV2(setup.tap.socket);
    await expect(kms.status()).rejects.toMatchObject({ grpcCode: 14, message: expect.stringContaining("100% gone: ü") });
    await kms.encrypt({ plaintext: Buffer.from("dek"), uid: "u" });
    expect(await setup.tap.drain()).toMatchObject([
      { method: "Status", grpcCode: 14, keyId: "", fault: "Status:error=Unavailable(100% gone: ü)" },
      { method: "Encrypt", grpcCode: 0, fault: undefined },
    ]);
  });

  it("answers Status in the plugin's place, with the key_id that it named last, and passes the next call", async () => {
    await using setup = await tapped({ faults: [parseFault("Status:healthz=the KMS is (gone: ü)")] });
    using kms = connectKmsV2(setup.tap.socket);
    await expect(kms.status()).rejects.toMatchObject({ grpcCode: 14, message: expect.stringContaining("named no key_id yet") });
    await setup.tap.setFaults([]);
    await kms.status();
    await setup.tap.setFaults([parseFault("Status:healthz=the KMS is (gone: ü)")]);
    expect(await kms.status()).toEqual({ version: "v2", healthz: "the KMS is (gone: ü)", keyId: "key-1" });
    expect(Buffer.from((await kms.encrypt({ plaintext: Buffer.from("dek"), uid: "u" })).ciphertext).toString()).toBe("ked");
    expect(await setup.tap.drain()).toMatchObject([
      { method: "Status", grpcCode: 14, keyId: "" },
      { method: "Status", grpcCode: 0, keyId: "key-1", fault: undefined },
      { method: "Status", grpcCode: 0, keyId: "key-1", fault: "Status:healthz=the KMS is (gone: ü)" },
      { method: "Encrypt", grpcCode: 0 },
    ]);
    expect(await setup.tap.problems()).toEqual([]);
  });

  it("answers big requests in the plugin's place, hundreds of them, without stopping the connection", async () => {
    await using setup = await tapped({ faults: [parseFault("Encrypt:error=Internal")] });
    using kms = connectKmsV2(setup.tap.socket, { timeoutMs: 60_000 });
    const plaintext = Buffer.alloc(200_000, "x");
    const codes = await Promise.all(
      Array.from({ length: 300 }, () => kms.encrypt({ plaintext, uid: "u" }).catch(({ grpcCode }) => grpcCode)),
    );
    expect(new Set(codes)).toEqual(new Set([13]));
    const records = await setup.tap.drain();
    expect(new Set(records.map(({ requestBytes, uid }) => `${requestBytes} ${uid}`))).toEqual(new Set(["200007 u"]));
    await setup.tap.setFaults([]);
    expect((await kms.encrypt({ plaintext, uid: "u" })).ciphertext.length).toBe(plaintext.length);
    expect([(await setup.tap.counts()).Encrypt, await setup.tap.problems()]).toEqual([{ calls: 301, failed: 300, probes: 0 }, []]);
  });

  it("leaves the plugin and the other calls alone, however many calls it answers", async () => {
    await using setup = await tapped({ faults: [parseFault("Encrypt:error=Internal")] });
    using kms = connectKmsV2(setup.tap.socket, { timeoutMs: 60_000 });
    // A plugin on nghttp2 closes a connection on which a thousand calls are cancelled.
    for (let round = 0; round < 30; round++) {
      const failing = Array.from({ length: 50 }, () =>
        kms.encrypt({ plaintext: Buffer.from("dek"), uid: "u" }).catch(({ grpcCode }) => grpcCode),
      );
      expect((await kms.status()).keyId).toBe("key-1");
      expect(new Set(await Promise.all(failing))).toEqual(new Set([13]));
    }
    const records = await setup.tap.drain();
    expect(records.filter(({ fault }) => fault === undefined).map(({ method, grpcCode }) => `${method} ${grpcCode}`)).toEqual(
      Array.from({ length: 30 }, () => "Status 0"),
    );
    expect([records.length, await setup.tap.problems()]).toEqual([1530, []]);
  });

  it("answers after a delay where there is one", async () => {
    const clock = new AnnouncingClock();
    await using setup = await tapped({ clock, faults: [parseFault("*:latency=15ms"), parseFault("*:error=Aborted")] });
    using kms = connectKmsV2(setup.tap.socket);
    const waits = clock.nextWait();
    const failed = kms.status().catch(({ grpcCode }) => grpcCode);
    await waits;
    await clock.advance(15);
    expect(await failed).toBe(10);
    expect(await setup.tap.drain()).toMatchObject([{ durationMs: 15, grpcCode: 10, fault: "*:latency=15ms, *:error=Aborted" }]);
  });

  it("leaves a call without an answer until the client gives up", async () => {
    await using setup = await tapped({ faults: [parseFault("Encrypt:hang")] });
    using kms = connectKmsV2(setup.tap.socket);
    const abort = new AbortController();
    const hung = kms.encrypt({ plaintext: Buffer.from("dek"), uid: "hung" }, { signal: abort.signal });
    await kms.status();
    expect(await setup.tap.inFlight()).toBe(1);
    abort.abort();
    await expect(hung).rejects.toMatchObject({ grpcCode: 1 });
    await kms.status();
    expect(await setup.tap.drain()).toMatchObject([
      { method: "Status" },
      { uid: "hung", grpcCode: 1, fault: "Encrypt:hang" },
      { method: "Status" },
    ]);
  });

  it("cuts the connection with every call on it", async () => {
    await using setup = await tapped({ faults: [parseFault("Decrypt:cut")] });
    setup.plugin.silent.add("bystander");
    using kms = connectKmsV2(setup.tap.socket);
    const bystander = kms.encrypt({ plaintext: Buffer.from("dek"), uid: "bystander" }).catch(({ grpcCode }) => grpcCode);
    await kms.status();
    const cut = kms
      .decrypt({ ciphertext: Buffer.from("c"), uid: "cut", keyId: "key-1", annotations: none })
      .catch(({ grpcCode }) => grpcCode);
    expect([await bystander, await cut]).toEqual([14, 14]);
    expect((await setup.tap.drain()).map(({ uid, grpcCode, fault }) => [uid, grpcCode, fault])).toEqual([
      ["", 0, undefined],
      ["bystander", 14, undefined],
      ["cut", 14, "Decrypt:cut"],
    ]);
  });
});

describe("what the tap cannot follow", () => {
  it("passes and is said to have no record: a method of another service", async () => {
    await using setup = await tapped();
    await using wire = await rawClient(setup.tap.socket);
    wire.send(clientPreface, frameBytes(frameTypes.settings, 0, 0, Buffer.alloc(0)), ...request(1, "/grpc.health.v1.Health/Check"));
    await wire.until(({ type, streamId }) => type === frameTypes.headers && streamId === 1);
    expect(await setup.tap.problems()).toEqual([
      'A call to "/grpc.health.v1.Health/Check" passed without a record; it is no method of a KMS plugin.',
    ]);
  });

  it.each([
    ["is no HTTP/2", [Buffer.from("GET / HTTP/1.1\r\n\r\n")]],
    [
      "has a header block that cannot be decoded",
      [clientPreface, frameBytes(frameTypes.headers, frameFlags.endHeaders, 1, Buffer.of(0xbf))],
    ],
    [
      "has a header block that another frame interrupts",
      [clientPreface, frameBytes(frameTypes.headers, 0, 1, Buffer.of(0x82)), frameBytes(0x6, 0, 0, Buffer.alloc(8))],
    ],
    [
      "has a header block without end",
      [
        clientPreface,
        frameBytes(frameTypes.headers, 0, 1, Buffer.alloc(16_000)),
        ...Array.from({ length: 4 }, () => frameBytes(frameTypes.continuation, 0, 1, Buffer.alloc(16_000))),
      ],
    ],
    ["has a CONTINUATION of nothing", [clientPreface, frameBytes(frameTypes.continuation, 0, 1, Buffer.of(0x82))]],
    [
      "has padding longer than its frame",
      [clientPreface, ...request(1).slice(0, 1), frameBytes(frameTypes.data, frameFlags.padded, 1, Buffer.of(9))],
    ],
  ])("passes byte by byte and is said to have no record: a connection that %s", async (_name, pieces) => {
    using sockets = folder();
    await using plugin = await rawPlugin(sockets.at("plugin"));
    await using tap = await startTap({ listen: sockets.at("tap"), upstream: sockets.at("plugin") });
    await using client = await rawClient(tap.socket);
    const sent = Buffer.concat([...pieces, Buffer.from("and what follows")]);
    client.send(sent);
    expect(await plugin.received(sent.length)).toEqual(sent);
    expect(await tap.problems()).toEqual([expect.stringMatching(/^A connection could not be followed to its end \(.+\)/)]);
    expect(await tap.inFlight()).toBe(0);
  });

  it("is recorded without what its message says: a compressed message", async () => {
    using sockets = folder();
    await using plugin = await rawPlugin(sockets.at("plugin"));
    await using tap = await startTap({ listen: sockets.at("tap"), upstream: sockets.at("plugin") });
    await using client = await rawClient(tap.socket);
    client.send(clientPreface, ...request(1, "/v2.KeyManagementService/Encrypt", Buffer.of(1, 0, 0, 0, 1, 0)));
    await plugin.received(clientPreface.length);
    plugin.send(frameBytes(frameTypes.settings, 0, 0, Buffer.alloc(0)), ...trailers(1, "0"));
    await client.until(({ type }) => type === frameTypes.headers);
    expect(await tap.drain()).toMatchObject([{ method: "Encrypt", uid: "", requestBytes: 1, grpcCode: 0 }]);
    expect(await tap.problems()).toEqual([
      "The message of a v2 Encrypt request is compressed; the call is recorded without what the message says.",
    ]);
  });
});

describe("frames that gRPC libraries seldom send", () => {
  /** A raw client and a raw plugin with a tap between. */
  async function rawTapped(options: Partial<TapOptions> = {}) {
    const stack = new AsyncDisposableStack();
    const sockets = stack.use(folder());
    const plugin = stack.use(await rawPlugin(sockets.at("plugin")));
    const tap = stack.use(await startTap({ listen: sockets.at("tap"), upstream: sockets.at("plugin"), ...options }));
    const client = stack.use(await rawClient(tap.socket));
    return { tap, plugin, client, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }
  const settings = frameBytes(frameTypes.settings, 0, 0, Buffer.alloc(0));
  const isHeaders = ({ type }: { readonly type: number }) => type === frameTypes.headers;

  it("pass as they are: continuations, padding, priorities, pings, window updates, unknown types", async () => {
    await using raw = await rawTapped();
    const block = encodeLiterals([[":path", "/v2.KeyManagementService/Status"]]);
    const sent = Buffer.concat([
      clientPreface,
      settings,
      frameBytes(0x2, 0, 1, Buffer.alloc(5)),
      frameBytes(
        frameTypes.headers,
        frameFlags.padded | frameFlags.priority,
        1,
        Buffer.concat([Buffer.of(2, 0, 0, 0, 0, 9), block.subarray(0, 7), Buffer.alloc(2)]),
      ),
      frameBytes(frameTypes.continuation, 0, 1, block.subarray(7, 8)),
      frameBytes(frameTypes.continuation, frameFlags.endHeaders, 1, block.subarray(8)),
      frameBytes(0x6, 0, 0, Buffer.alloc(8)),
      frameBytes(frameTypes.windowUpdate, 0, 0, Buffer.of(0, 0, 0, 1)),
      frameBytes(0xbe, 0xff, 1, Buffer.from("unknown")),
      frameBytes(frameTypes.data, frameFlags.padded | frameFlags.endStream, 1, Buffer.of(3, 0, 0, 0, 0, 0, 0, 0, 0)),
    ]);
    for (const byte of sent) raw.client.send(Buffer.of(byte));
    expect(await raw.plugin.received(sent.length)).toEqual(sent);
    raw.plugin.send(settings, ...trailers(1, "0"));
    await raw.client.until(isHeaders);
    expect(await raw.tap.drain()).toMatchObject([{ method: "Status", grpcCode: 0, requestBytes: 0 }]);
    expect(await raw.tap.problems()).toEqual([]);
  });

  it("make a call fail as its client sees it: a GOAWAY below the call", async () => {
    await using raw = await rawTapped();
    raw.client.send(clientPreface, settings, ...request(1), ...request(3));
    await raw.plugin.received(clientPreface.length);
    raw.plugin.send(settings, frameBytes(frameTypes.goAway, 0, 0, Buffer.of(0, 0, 0, 1, 0, 0, 0, 0)), ...trailers(1, "0"));
    await raw.client.until(isHeaders);
    expect((await raw.tap.drain()).map(({ sequence, grpcCode }) => [sequence, grpcCode])).toEqual([
      [1, 14],
      [0, 0],
    ]);
  });

  it.each([
    ["REFUSED_STREAM", 7, 14],
    ["CANCEL", 8, 1],
    ["ENHANCE_YOUR_CALM", 11, 8],
    ["INTERNAL_ERROR", 2, 13],
  ])("make a call fail as its client sees it: a reset with %s", async (_name, errorCode, grpcCode) => {
    await using raw = await rawTapped();
    raw.client.send(clientPreface, settings, ...request(1));
    await raw.plugin.received(clientPreface.length);
    raw.plugin.send(settings, frameBytes(frameTypes.rstStream, 0, 1, Buffer.of(0, 0, 0, errorCode)));
    await raw.client.until(({ type }) => type === frameTypes.rstStream);
    expect(await raw.tap.drain()).toMatchObject([{ grpcCode }]);
  });

  it.each([
    ["trailers without grpc-status", trailers(1)],
    ["trailers with a status that is no number", trailers(1, "fine")],
    ["DATA that ends the stream", [frameBytes(frameTypes.data, frameFlags.endStream, 1, Buffer.alloc(0))]],
  ])("make a call end as Unknown: %s", async (_name, answer) => {
    await using raw = await rawTapped();
    raw.client.send(clientPreface, settings, ...request(1));
    await raw.plugin.received(clientPreface.length);
    raw.plugin.send(settings, ...answer);
    await raw.client.until(({ streamId }) => streamId === 1);
    expect(await raw.tap.drain()).toMatchObject([{ grpcCode: 2 }]);
  });

  it("are all that the plugin gets of the calls that the tap does not answer itself", async () => {
    await using raw = await rawTapped({ faults: [parseFault("Encrypt:error=Unavailable")] });
    const resize = Buffer.of(0x3f, 0x45);
    const indexed = Buffer.concat([Buffer.of(0x44), Buffer.of(29), Buffer.from("/v2.KeyManagementService/Stat")]);
    raw.client.send(
      clientPreface,
      settings,
      // Swallowed, with what it does to the client's table: its size is 100, and the path is its first entry.
      frameBytes(
        frameTypes.headers,
        frameFlags.endHeaders,
        1,
        Buffer.concat([resize, Buffer.of(0x44, 32), Buffer.from("/v2.KeyManagementService/Encrypt")]),
      ),
      frameBytes(frameTypes.windowUpdate, 0, 1, Buffer.of(0, 0, 0, 9)),
      frameBytes(frameTypes.data, frameFlags.endStream, 1, Buffer.alloc(5)),
      frameBytes(frameTypes.headers, frameFlags.endHeaders, 3, Buffer.concat([Buffer.of(0x83), indexed])),
      frameBytes(frameTypes.data, frameFlags.endStream, 3, Buffer.of(0, 0, 0, 0, 0)),
      frameBytes(0x6, 0, 0, Buffer.from("the last")),
    );
    const passed = encodeLiterals([
      [":method", "POST"],
      [":path", "/v2.KeyManagementService/Stat"],
    ]);
    const expected = Buffer.concat([
      clientPreface,
      settings,
      frameBytes(frameTypes.headers, frameFlags.endHeaders, 3, Buffer.concat([resize, passed])),
      frameBytes(frameTypes.data, frameFlags.endStream, 3, Buffer.of(0, 0, 0, 0, 0)),
      frameBytes(0x6, 0, 0, Buffer.from("the last")),
    ]);
    expect(await raw.plugin.received(expected.length)).toEqual(expected);
    raw.plugin.send(settings);
    await raw.client.until(isHeaders);
    expect(await raw.tap.drain()).toMatchObject([{ method: "Encrypt", grpcCode: 14 }]);
  });

  it("end a connection that the tap cannot follow and the plugin could not either", async () => {
    await using raw = await rawTapped({ faults: [parseFault("*:hang")] });
    raw.client.send(clientPreface, settings, ...request(1), frameBytes(frameTypes.headers, frameFlags.endHeaders, 3, Buffer.of(0xbf)));
    await raw.client.closed;
    expect(await raw.tap.drain()).toMatchObject([{ method: "Status", grpcCode: 14, fault: "*:hang" }]);
    expect(await raw.tap.problems()).toHaveLength(1);
  });

  it("do not come before the plugin's SETTINGS when they are the tap's own", async () => {
    await using raw = await rawTapped({ faults: [parseFault("*:error=Unavailable")] });
    raw.client.send(clientPreface, settings, ...request(1));
    await raw.plugin.received(clientPreface.length);
    raw.plugin.send(settings);
    const types = (await raw.client.until(isHeaders)).map(({ type }) => type);
    expect(types).toEqual([frameTypes.settings, frameTypes.windowUpdate, frameTypes.headers]);
  });
});

describe("the tap's socket", () => {
  it("is for this user only, and goes with the tap", async () => {
    using sockets = folder();
    const tap = await startTap({ listen: sockets.at("tap"), upstream: sockets.at("plugin") });
    expect(statSync(tap.socket).mode & 0o777).toBe(0o600);
    await tap[Symbol.asyncDispose]();
    expect(statSync(tap.socket, { throwIfNoEntry: false })).toBeUndefined();
  });

  it.each([
    ["in this thread", startTap],
    ["in a thread of its own", startTapWorker],
  ])("is refused where somebody listens, %s", async (_name, start) => {
    await using setup = await tapped();
    await expect(start({ listen: setup.tap.socket, upstream: setup.sockets.at("plugin") })).rejects.toMatchObject({
      name: "PluginError",
      code: "socket-in-use",
    });
  });

  it("is refused where there is a file, and where its path is too long", async () => {
    using sockets = folder();
    writeFileSync(sockets.at("file"), "");
    const upstream = sockets.at("plugin");
    await expect(startTap({ listen: sockets.at("file"), upstream })).rejects.toMatchObject({ code: "socket-path-taken" });
    await expect(startTap({ listen: sockets.at("x".repeat(108)), upstream })).rejects.toMatchObject({ code: "socket-path-too-long" });
    await expect(startTap({ listen: sockets.at("tap"), upstream: sockets.at("x".repeat(108)) })).rejects.toMatchObject({
      code: "socket-path-too-long",
    });
  });

  it("closes connections as long as there is no plugin", async () => {
    using sockets = folder();
    await using tap = await startTap({ listen: sockets.at("tap"), upstream: sockets.at("plugin") });
    const client = connect(tap.socket);
    await once(client.resume(), "close");
    await using _plugin = await fakePlugin(sockets.at("plugin"));
    using kms = connectKmsV2(tap.socket);
    expect((await kms.status()).healthz).toBe("ok");
  });
});

describe("a tap in a thread of its own", () => {
  it("is a tap like any other", async () => {
    await using setup = await tapped({ faults: [parseFault("Decrypt:error=Aborted")] }, startTapWorker);
    using kms = connectKmsV2(setup.tap.socket);
    const encrypted = await kms.encrypt({ plaintext: Buffer.from("dek"), uid: "a" });
    await expect(kms.decrypt({ ...encrypted, uid: "b" })).rejects.toMatchObject({ grpcCode: 10 });
    await setup.tap.setFaults([]);
    await kms.decrypt({ ...encrypted, uid: "c" });
    expect((await setup.tap.drain()).map(({ uid, grpcCode }) => `${uid} ${grpcCode}`)).toEqual(["a 0", "b 10", "c 0"]);
    expect([(await setup.tap.counts()).Decrypt, await setup.tap.inFlight(), await setup.tap.problems()]).toEqual([
      { calls: 2, failed: 1, probes: 0 },
      0,
      [],
    ]);
    await setup.tap[Symbol.asyncDispose]();
    expect(statSync(setup.tap.socket, { throwIfNoEntry: false })).toBeUndefined();
    await expect(setup.tap.drain()).rejects.toThrow("The tap has ended.");
  });
});

/** The frames of a request with literal headers; the message has to bring its prefix. */
function request(streamId: number, path = "/v2.KeyManagementService/Status", message = Buffer.alloc(5)): Buffer[] {
  const headers = encodeLiterals([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ]);
  return [
    frameBytes(frameTypes.headers, frameFlags.endHeaders, streamId, headers),
    frameBytes(frameTypes.data, frameFlags.endStream, streamId, message),
  ];
}

/** An answer that is trailers only. */
function trailers(streamId: number, status?: string): Buffer[] {
  const headers = encodeLiterals([[":status", "200"], ...(status === undefined ? [] : [["grpc-status", status] as const])]);
  return [frameBytes(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, streamId, headers)];
}

/** One end of a connection whose bytes the test writes and reads itself. */
function rawEnd(socket: Socket) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
  });
  return {
    send: (...pieces: Buffer[]) => {
      for (const piece of pieces) socket.write(piece);
    },
    async received(bytesMin: number): Promise<Buffer> {
      while (bytes < bytesMin) await once(socket, "data");
      return Buffer.concat(chunks);
    },
  };
}

async function rawClient(path: string) {
  const socket = connect(path);
  const end = rawEnd(socket);
  await once(socket, "connect");
  return {
    ...end,
    closed: once(socket, "close"),
    /** All frames so far, once there is one that `isLast`. */
    async until(isLast: (frame: { type: number; streamId: number }) => boolean): Promise<{ type: number; streamId: number }[]> {
      for (let bytes = 1; ; ) {
        const received = await end.received(bytes);
        const frames = [...new FrameSplitter(false).split(received)];
        if (frames.some(isLast)) return frames;
        bytes = received.length + 1;
      }
    },
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
    },
  };
}

/** A plugin that takes one connection. */
async function rawPlugin(path: string) {
  const server = createServer();
  server.listen(path);
  await once(server, "listening");
  let accepted: Socket | undefined;
  const connected = once(server, "connection").then(([socket]: Socket[]) => {
    accepted = socket;
    if (socket === undefined) throw new Error("no connection");
    return rawEnd(socket);
  });
  return {
    received: async (bytes: number) => (await connected).received(bytes),
    send: (...pieces: Buffer[]) => connected.then((end) => end.send(...pieces)),
    [Symbol.asyncDispose]: async () => {
      accepted?.destroy();
      server.close();
    },
  };
}
