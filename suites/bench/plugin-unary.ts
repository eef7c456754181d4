import type { Socket } from "node:net";
import { join } from "node:path";
import { connectKmsV2 } from "../../harness/kms/client.ts";
import { methodPaths } from "../../harness/kms/contract.ts";
import { ServerConnection } from "../../harness/kms/http2/server-connection.ts";
import { kmsV2Service } from "../../harness/kms/messages.ts";
import { listenOnSocket } from "../../harness/kms/socket-server.ts";
import { kmsCalls } from "../../harness/load/kms-calls.ts";
import { KmsLoadClient } from "../../harness/load/kms-load-client.ts";
import { Random } from "../../harness/random.ts";
import type { Benchmark, PluginBench } from "./benchmark.ts";
import { inMs } from "./comparison.ts";
import { type MicroTask, measureMicro, microMs } from "./micro.ts";

export const pluginUnary = {
  id: "plugin-unary",
  question: "What is the least that a call of a plugin can take here, with server and client in one process and nothing to encrypt?",
  knownBefore:
    "grpc-node's own benchmarks are of streams over TCP; what its calls add to a KMS call on a Unix socket is published nowhere.",
  takes: "1 s",
  needs: "nothing",
  measures: "plugin",
  metrics: { phases: ["load-client", "grpc-js"] },
  understands: ["rounds"],
  own: [microMs],
  async run(bench: PluginBench) {
    const { options, lease, clock, journal, progress } = bench;
    const random = new Random(options.seed).child("plugin-unary");
    const ciphertext = random.bytes(60);
    const answer = kmsV2Service.Encrypt.responseSerialize({ ciphertext, keyId: "plugin-unary", annotations: new Map() });
    const sockets = new Set<Socket>();
    const server = await listenOnSocket(join(lease.folder, "unary.sock"), {
      clock,
      onConnection(socket) {
        sockets.add(socket);
        new ServerConnection(socket, { clock, methods: new Map([[methodPaths.v2.Encrypt, (call) => call.answer(answer)]]) });
      },
      onFault() {},
    });
    await using _server = {
      async [Symbol.asyncDispose]() {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    };
    const calls = await kmsCalls({ endpoint: server.path, kms: "v2", method: "encrypt", count: 1, random, clock });
    await using loadClient = await KmsLoadClient.connect({ endpoint: server.path, calls, clock });
    using grpcJs = connectKmsV2(server.path);
    const plaintext = random.bytes(32);
    const tasks: readonly MicroTask[] = [
      { name: "load-client", batch: 1, run: callsThrough(loadClient) },
      { name: "grpc-js", batch: 1, run: () => grpcJs.encrypt({ plaintext, uid: "6a1ea7c8-57ae-4b2c-a4d2-f3a4c1a2b111" }) },
    ];
    const count = options.rounds * tasks.length;
    progress.expect({ weight: count, cells: options.rounds, phases: count });
    for (let round = 1; round <= options.rounds; round++) {
      await measureMicro(bench, { benchmark: "plugin-unary", provider: "kms-v2", secrets: 1, parameters: {}, round }, tasks);
    }
    const phases = journal.result().cells.filter(({ benchmark }) => benchmark === "plugin-unary")[0]?.phases ?? [];
    const [own, theirs] = tasks.map(({ name }) => inMs(phases.find((phase) => phase.name === name)?.latency?.p50));
    const text = `A call over a Unix socket to a server in the same process that does nothing takes ${own} by the client for load and ${theirs} by grpc-js (medians).`;
    journal.append({ event: "finding", finding: { benchmark: "plugin-unary", text } });
  },
} satisfies Benchmark;

/** One call after the other, each awaited. */
function callsThrough(client: KmsLoadClient): () => Promise<void> {
  let index = 0;
  let waiting: PromiseWithResolvers<void> | undefined;
  client.onDone = (_index, _status, failure) => {
    if (failure === undefined) waiting?.resolve();
    else waiting?.reject(new Error(failure));
  };
  return () => {
    waiting = Promise.withResolvers<void>();
    client.send(index++);
    client.flush();
    return waiting.promise;
  };
}
