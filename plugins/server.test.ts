import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { connectKmsV1, connectKmsV2, connectRaw } from "../harness/kms/client.ts";
import { methodPaths } from "../harness/kms/contract.ts";
import { kmsV2Service } from "../harness/kms/messages.ts";
import { Random } from "../harness/random.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";
import type { PluginCall, ProviderCall } from "./observer.ts";
import { type CallContext, type PromptProvider, ProviderFault, type Wrapped } from "./provider.ts";
import { serveKms } from "./server.ts";
import { KeyService } from "./service.ts";

const request = { plaintext: new Uint8Array(32).fill(3), uid: "5c2d0c6e-7f6b-4b0e-9f57-6f8c1b9a3d21" };
const wrapped: Wrapped = { ciphertext: Buffer.from("wrapped"), keyId: "key-1", annotations: new Map([["a.b", Buffer.from("1")]]) };

/** A server whose provider answers at once, but for what `spoil` has in its place. */
async function arrange(spoil: Partial<PromptProvider> = {}) {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-serve-")));
  const socket = join(folder.path, "s");
  const clock = new VirtualClock();
  const calls: PluginCall[] = [];
  const attempts: ProviderCall[] = [];
  const observer = {
    onCall: (call: PluginCall) => void calls.push(call),
    onProviderCall: (call: ProviderCall) => void attempts.push(call),
  };
  const provider: PromptProvider = {
    name: "prompt",
    keyVersionFreshMs: 45_000,
    currentKey: async () => ({ keyId: "key-1" }),
    encrypt: () => wrapped,
    decrypt: () => request.plaintext,
    encryptV1: () => wrapped.ciphertext,
    decryptV1: () => request.plaintext,
    async [Symbol.asyncDispose]() {},
    ...spoil,
  };
  const service = new KeyService(provider, { clock, random: new Random("server"), observer, runtimeVersion: "1.2.3" });
  stack.use(await serveKms(service, { socket, clock, observer, onFault: () => {} }));
  return {
    socket,
    clock,
    calls,
    attempts,
    v1: stack.use(connectKmsV1(socket)),
    v2: stack.use(connectKmsV2(socket)),
    raw: (authority?: string) => stack.use(connectRaw(socket, authority === undefined ? {} : { authority })),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

it("serves a provider that answers at once, and tells of each call and attempt", async () => {
  await using place = await arrange();
  expect(await place.v2.encrypt(request)).toEqual({
    ciphertext: new Uint8Array(wrapped.ciphertext),
    keyId: "key-1",
    annotations: new Map([["a.b", Uint8Array.of(0x31)]]),
  });
  expect((await place.v2.decrypt({ ...wrapped, uid: "u" })).plaintext).toEqual(request.plaintext);
  expect(await place.v1.decrypt(await place.v1.encrypt(request.plaintext))).toEqual(request.plaintext);
  expect(place.attempts.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual([
    "encrypt ok",
    "decrypt ok",
    "encrypt ok",
    "decrypt ok",
  ]);
  expect(place.calls[0]).toEqual({
    kms: "v2",
    method: "Encrypt",
    uid: request.uid,
    bytesIn: 32,
    bytesOut: 7,
    durationMs: expect.any(Number),
    grpcCode: 0,
    message: "",
  });
});

it("maps what such a provider rejects with and what it throws", async () => {
  await using place = await arrange({
    encrypt: () => Promise.reject(new ProviderFault("key-unusable", "It is gone.")),
    decrypt() {
      throw new Error("the key is hunter2");
    },
  });
  await expect(place.v2.encrypt(request)).rejects.toMatchObject({ message: "rpc error: code = FailedPrecondition desc = It is gone." });
  await expect(place.v2.decrypt({ ...wrapped, uid: "u" })).rejects.toMatchObject({
    message: "rpc error: code = Internal desc = The provider failed in a way that it does not foresee.",
  });
  expect(place.attempts.map(({ outcome }) => outcome)).toEqual(["key-unusable", "internal"]);
});

it("repeats for such a provider what passes", async () => {
  let attempt = 0;
  await using place = await arrange({
    decrypt: () => (attempt++ === 0 ? Promise.reject(new ProviderFault("throttled", "Later.")) : request.plaintext),
  });
  const answer = place.v2.decrypt({ ...wrapped, uid: "u" });
  let isOver = false;
  void answer.finally(() => {
    isOver = true;
  });
  while (!isOver) await place.clock.advance(10);
  expect((await answer).plaintext).toEqual(request.plaintext);
  expect(place.attempts.map(({ outcome }) => outcome)).toEqual(["throttled", "ok"]);
});

it("gives a caller that names no deadline the one of kube-apiserver", async () => {
  const { promise: given, resolve } = Promise.withResolvers<CallContext>();
  await using place = await arrange({
    encrypt(_plaintext, context) {
      resolve(context);
      return new Promise<never>(() => {});
    },
  });
  using client = Object.assign(new Client(`unix:${place.socket}`, credentials.createInsecure()), {
    [Symbol.dispose]() {
      client.close();
    },
  });
  const { promise: code, resolve: end } = Promise.withResolvers<number | undefined>();
  const { path, requestSerialize, responseDeserialize } = kmsV2Service.Encrypt;
  client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) => end(error?.code));
  const context = await given;
  expect(context.deadlineMs).toBe(3000);
  await place.clock.advance(2999);
  expect(context.signal.aborted).toBe(false);
  await place.clock.advance(1);
  expect(context.signal.reason).toMatchObject({ kind: "deadline" });
  expect(await code).toBe(4);
});

it("has a signal for who asks for it too late", async () => {
  const { promise: given, resolve } = Promise.withResolvers<CallContext>();
  await using place = await arrange({
    async currentKey() {
      return { keyId: "key-1" };
    },
    encrypt(_plaintext, context) {
      resolve(context);
      return wrapped;
    },
  });
  await place.v2.encrypt(request);
  await place.clock.advance(60_000);
  // The call ended well: nobody gives it up any more.
  expect((await given).signal.aborted).toBe(false);
});

it("refuses what is no message, and methods that it has not", async () => {
  await using place = await arrange();
  const raw = place.raw();
  await expect(raw.call(methodPaths.v2.Encrypt, Buffer.from("0aff", "hex"))).rejects.toMatchObject({ grpcCodeName: "Internal" });
  await expect(raw.call("/v2.KeyManagementService/Rotate", Buffer.alloc(0))).rejects.toMatchObject({ grpcCodeName: "Unimplemented" });
  await expect(raw.call(methodPaths.v2.Encrypt, Buffer.alloc(4 * 1024 * 1024 + 1))).rejects.toMatchObject({
    grpcCodeName: "ResourceExhausted",
  });
});

// kube-apiserver v1.28 sends the path as it is, v1.29 to v1.31 percent-encoded, later ones `localhost`.
it.each(["/run/kms.sock", "%2Frun%2Fkms.sock", "localhost"])("takes the authority %s", async (authority) => {
  await using place = await arrange();
  expect(await place.raw(authority).call(methodPaths.v2.Status, Buffer.alloc(0))).toBeInstanceOf(Uint8Array);
});
