import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { methodPaths } from "../kms/contract.ts";
import { kmsV2Service } from "../kms/messages.ts";
import { KmsLoadClient, type KmsLoadOptions, type LoadCall } from "./kms-load-client.ts";

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
