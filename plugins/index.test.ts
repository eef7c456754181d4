import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { systemClock } from "../harness/clock.ts";
import { connectKmsV1, connectKmsV2, detectKmsVersions } from "../harness/kms/client.ts";
import { kmsV2Service } from "../harness/kms/messages.ts";
import { probeSocket } from "../harness/kms/socket.ts";
import { kmsmarkVersion } from "../harness/version.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";
import { type PluginOptions, startPlugin } from "./index.ts";
import { rotateKeyFile } from "./local-key-file.ts";
import { type CallContext, type KmsProvider, ProviderFault, type ProviderFaultKind } from "./provider.ts";

const dek = Uint8Array.from({ length: 32 }, (_byte, index) => index);
const request = { plaintext: dek, uid: "5c2d0c6e-7f6b-4b0e-9f57-6f8c1b9a3d21" };

/** A folder for sockets and key files; what is started in it and what is connected is given back with it. */
async function arrange() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-plugin-")));
  const socket = join(folder.path, "kms.sock");
  const keyFile = join(folder.path, "keys.json");
  return {
    folder: folder.path,
    socket,
    keyFile,
    start: async (options: Partial<PluginOptions> = {}) =>
      stack.use(await startPlugin({ socket, provider: { name: "local", keyFile }, ...options })),
    v1: () => stack.use(connectKmsV1(socket)),
    v2: () => stack.use(connectKmsV2(socket)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A KMS whose every call does what `work` does. */
function providerOf(work: (context: CallContext) => Promise<never>): KmsProvider & { readonly isDisposed: () => boolean } {
  let isDisposed = false;
  return {
    name: "scripted",
    keyVersionFreshMs: 45_000,
    currentKey: async () => ({ keyId: "key-1" }),
    encrypt: (_plaintext, context) => work(context),
    decrypt: (_wrapped, context) => work(context),
    encryptV1: (_plaintext, context) => work(context),
    decryptV1: (_ciphertext, context) => work(context),
    isDisposed: () => isDisposed,
    async [Symbol.asyncDispose]() {
      isDisposed = true;
    },
  };
}

describe("a running plugin", () => {
  it("serves KMS v2 and v1beta1 on one socket", async () => {
    await using place = await arrange();
    await place.start();
    expect(await detectKmsVersions(place.socket)).toEqual(["v1", "v2"]);
    const [v1, v2] = [place.v1(), place.v2()];
    const wrapped = await v2.encrypt(request);
    expect(await v2.status()).toEqual({ version: "v2", healthz: "ok", keyId: wrapped.keyId });
    expect((await v2.decrypt({ ...wrapped, uid: "u" })).plaintext).toEqual(dek);
    expect(await v1.version()).toEqual({ version: "v1beta1", runtimeName: "kmsmark-local", runtimeVersion: kmsmarkVersion() });
    expect(await v1.decrypt(await v1.encrypt(dek))).toEqual(dek);
  });

  it("takes empty plaintexts and 64 KiB", async () => {
    await using place = await arrange();
    await place.start();
    const [v1, v2] = [place.v1(), place.v2()];
    for (const length of [0, 65_536]) {
      const plaintext = new Uint8Array(length).fill(9);
      expect((await v2.decrypt({ ...(await v2.encrypt({ plaintext, uid: "u" })), uid: "u" })).plaintext).toEqual(plaintext);
      expect(await v1.decrypt(await v1.encrypt(plaintext))).toEqual(plaintext);
    }
  });

  it("answers 64 callers at once, each with its own", async () => {
    await using place = await arrange();
    const plugin = await place.start();
    const v2 = place.v2();
    const answers = await Promise.all(
      Array.from({ length: 64 }, async (_none, caller) => {
        const plaintext = new Uint8Array(32).fill(caller);
        return (await v2.decrypt({ ...(await v2.encrypt({ plaintext, uid: "u" })), uid: "u" })).plaintext[31];
      }),
    );
    expect(answers).toEqual(Array.from({ length: 64 }, (_none, caller) => caller));
    expect(plugin.counters()).toEqual({
      v1: { Version: 0, Encrypt: 0, Decrypt: 0 },
      v2: { Status: 0, Encrypt: 64, Decrypt: 64 },
      // One at the start, to know whether the KMS is usable.
      provider: { currentKey: 1, encrypt: 64, decrypt: 64 },
    });
  });

  it("notices a rotation at the next Status, and at once when told", async () => {
    await using place = await arrange();
    const plugin = await place.start();
    const v2 = place.v2();
    const first = await v2.encrypt(request);
    await rotateKeyFile(place.keyFile, systemClock);
    const second = await v2.status();
    expect(second.keyId).not.toBe(first.keyId);
    expect(await v2.status()).toEqual(second);
    expect((await v2.encrypt(request)).keyId).toBe(second.keyId);
    await rotateKeyFile(place.keyFile, systemClock);
    await plugin.reload();
    expect((await v2.encrypt(request)).keyId).not.toBe(second.keyId);
    expect((await v2.decrypt({ ...first, uid: "u" })).plaintext).toEqual(dek);
  });

  it("reads what it encrypted before a restart, over the same connection", async () => {
    await using place = await arrange();
    const before = await place.start();
    const [v1, v2] = [place.v1(), place.v2()];
    const [old1, old2] = [await v1.encrypt(dek), await v2.encrypt(request)];
    await before[Symbol.asyncDispose]();
    await place.start();
    expect(await v1.decrypt(old1)).toEqual(dek);
    expect((await v2.decrypt({ ...old2, uid: "u" })).plaintext).toEqual(dek);
  });

  // kube-apiserver v1.29 to v1.31 sends the percent-encoded path, later ones `localhost`.
  it.each(["localhost", "%2Frun%2Fkms.sock"])("takes the authority %s", async (authority) => {
    await using place = await arrange();
    await place.start();
    const client = new Client(`unix:${place.socket}`, credentials.createInsecure(), { "grpc.default_authority": authority });
    const { path, requestSerialize, responseDeserialize } = kmsV2Service.Status;
    const { promise: healthz, resolve, reject } = Promise.withResolvers<string | undefined>();
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error, answer) =>
      error === null ? resolve(answer?.healthz) : reject(error),
    );
    expect(await healthz).toBe("ok");
    client.close();
  });

  it("outlives what is no gRPC at all", async () => {
    await using place = await arrange();
    await place.start();
    for (const bytes of ["", "GET / HTTP/1.1\r\n\r\n", "\0".repeat(100), `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(100)}`]) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const stranger = connect(place.socket, () => stranger.end(bytes, "latin1"));
      stranger.on("error", () => {}).on("close", () => resolve());
      stranger.resume();
      await promise;
    }
    expect((await place.v2().status()).healthz).toBe("ok");
  });

  it.each<[ProviderFaultKind, string]>([
    ["unavailable", "Unavailable"],
    ["throttled", "ResourceExhausted"],
    ["deadline", "DeadlineExceeded"],
    ["key-unusable", "FailedPrecondition"],
    ["permission-denied", "PermissionDenied"],
    ["invalid-ciphertext", "InvalidArgument"],
    ["invalid-request", "InvalidArgument"],
    ["internal", "Internal"],
  ])("tells the API server of %s as %s", async (kind, grpcCodeName) => {
    await using place = await arrange();
    // The advice is longer than the deadline, so that nothing is retried.
    await place.start({ provider: providerOf(() => Promise.reject(new ProviderFault(kind, "Why.", { retryAfterMs: 60_000 }))) });
    await expect(place.v2().encrypt(request)).rejects.toMatchObject({
      grpcCodeName,
      message: `rpc error: code = ${grpcCodeName} desc = Why.`,
    });
  });

  it("hands the caller's deadline to the provider and ends it there", async () => {
    await using place = await arrange();
    const { promise: gaveUp, resolve } = Promise.withResolvers<unknown>();
    let givenMs = 0;
    await place.start({
      provider: providerOf((context) => {
        givenMs = context.deadlineMs - systemClock.monotonicMs();
        context.signal.addEventListener("abort", () => resolve(context.signal.reason));
        return new Promise<never>(() => {});
      }),
    });
    await expect(place.v2().encrypt(request, { timeoutMs: 100 })).rejects.toMatchObject({ grpcCodeName: "DeadlineExceeded" });
    expect(await gaveUp).toMatchObject({ kind: "deadline" });
    expect(givenMs).toBeGreaterThan(0);
    expect(givenMs).toBeLessThanOrEqual(101);
  });

  it("tells the provider when the caller goes away", async () => {
    await using place = await arrange();
    const { promise: gaveUp, resolve } = Promise.withResolvers<unknown>();
    const gone = new AbortController();
    await place.start({
      provider: providerOf((context) => {
        context.signal.addEventListener("abort", () => resolve(context.signal.reason));
        gone.abort();
        return new Promise<never>(() => {});
      }),
    });
    await expect(place.v2().encrypt(request, { signal: gone.signal })).rejects.toMatchObject({ grpcCodeName: "Canceled" });
    expect(await gaveUp).toMatchObject({ kind: "cancelled" });
  });
});

describe("starting", () => {
  it("gives back what it took when it cannot serve", async () => {
    await using place = await arrange();
    await place.start();
    const provider = providerOf(() => Promise.reject(new Error("unused")));
    await expect(place.start({ provider, metrics: "127.0.0.1:0" })).rejects.toMatchObject({ code: "socket-in-use" });
    expect(provider.isDisposed()).toBe(true);
    expect((await place.v2().status()).healthz).toBe("ok");
  });

  it("refuses a bad key file before it takes the socket", async () => {
    await using place = await arrange();
    mkdirSync(place.keyFile);
    await expect(place.start()).rejects.toMatchObject({ code: "key-file-unreadable" });
    expect(readdirSync(place.folder)).toEqual(["keys.json"]);
  });

  it("goes on without a KMS, and says so", async () => {
    await using place = await arrange();
    const away = new ProviderFault("permission-denied", "The KMS refuses the credentials.");
    const provider = { ...providerOf(() => Promise.reject(away)), currentKey: () => Promise.reject(away) };
    const plugin = await place.start({ provider, metrics: "127.0.0.1:0" });
    expect((await fetch(`${plugin.metricsUrl}/readyz`)).status).toBe(503);
    await expect(place.v2().status()).rejects.toMatchObject({ grpcCodeName: "PermissionDenied" });
  });
});

describe("stopping", () => {
  it("ends the calls under way before it goes, and removes the socket", async () => {
    await using place = await arrange();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    const scripted = providerOf(() => Promise.reject(new Error("unused")));
    const provider: KmsProvider = {
      ...scripted,
      async encrypt() {
        begin();
        await finished;
        return { ciphertext: dek, keyId: "key-1", annotations: new Map() };
      },
    };
    const plugin = await place.start({ provider });
    const answer = place.v2().encrypt(request);
    await begun;
    const stopped = plugin[Symbol.asyncDispose]();
    expect(await probeSocket(place.socket)).toBe("absent");
    expect(scripted.isDisposed()).toBe(false);
    finish();
    expect((await answer).keyId).toBe("key-1");
    await stopped;
    expect(scripted.isDisposed()).toBe(true);
  });

  it("ends after five seconds what hangs", async () => {
    await using place = await arrange();
    const clock = new VirtualClock();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const provider = providerOf(() => {
      begin();
      return new Promise<never>(() => {});
    });
    const plugin = await place.start({ provider, clock });
    const answer = place.v2().encrypt(request, { timeoutMs: 60_000 });
    const outcome = expect(answer).rejects.toMatchObject({
      message: "rpc error: code = Unavailable desc = The plugin is stopping.",
    });
    await begun;
    const stopped = plugin[Symbol.asyncDispose]();
    await clock.advance(4999);
    expect(provider.isDisposed()).toBe(false);
    await clock.advance(1);
    await outcome;
    await stopped;
    expect(provider.isDisposed()).toBe(true);
  });

  it("does not wait for callers that are idle", async () => {
    await using place = await arrange();
    const plugin = await place.start();
    await place.v2().status();
    await using stranger = { socket: connect(place.socket).on("error", () => {}), [Symbol.asyncDispose]: async () => {} };
    await plugin[Symbol.asyncDispose]();
    expect(readdirSync(place.folder)).toEqual(["keys.json"]);
    stranger.socket.destroy();
  });
});

describe("the log", () => {
  it("says what happened, and nothing secret", async () => {
    await using place = await arrange();
    const lines: string[] = [];
    const log = pino({ level: "debug", base: null }, { write: (line: string) => void lines.push(line) });
    const plugin = await place.start({ log });
    const [v1, v2] = [place.v1(), place.v2()];
    const plaintext = Buffer.from("correct horse battery staple 123");
    const wrapped = await v2.encrypt({ plaintext, uid: request.uid });
    await v2.decrypt({ ...wrapped, uid: request.uid });
    await v1.decrypt(await v1.encrypt(plaintext));
    await v2.decrypt({ ...wrapped, ciphertext: plaintext, uid: "x".repeat(1000) }).catch(() => {});
    await plugin[Symbol.asyncDispose]();

    const calls = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "call");
    expect(calls[0]).toEqual({
      level: 20,
      time: expect.any(Number),
      msg: "call",
      kms: "v2",
      method: "Encrypt",
      uid: request.uid,
      bytesIn: 32,
      bytesOut: 60,
      durationMs: expect.any(Number),
      code: "OK",
    });
    expect(calls.at(-1)).toMatchObject({
      level: 40,
      method: "Decrypt",
      code: "InvalidArgument",
      uid: "x".repeat(64),
      bytesIn: 32,
      bytesOut: 0,
    });
    const all = lines.join("");
    const { secret } = JSON.parse(readFileSync(place.keyFile, "utf8")).keys[0];
    const secrets = [plaintext, Buffer.from(secret, "base64"), Buffer.from(wrapped.ciphertext)];
    for (const bytes of secrets) {
      for (const encoding of ["latin1", "hex", "base64", "base64url"] as const) expect(all).not.toContain(bytes.toString(encoding));
    }
    expect(all).toContain("serving");
    expect(all).toContain("stopped");
  });

  it("is silent about calls that went well unless it is asked", async () => {
    await using place = await arrange();
    const lines: string[] = [];
    const plugin = await place.start({ log: pino({ level: "info" }, { write: (line: string) => void lines.push(line) }) });
    await place.v2().encrypt(request);
    await plugin[Symbol.asyncDispose]();
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["serving", "stopped"]);
  });
});
