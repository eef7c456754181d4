import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { kmsV2Service } from "../kms/messages.ts";
import { Random } from "../random.ts";
import type { NullServer } from "./floor.ts";
import { kmsCalls } from "./kms-calls.ts";
import { KmsLoadClient } from "./kms-load-client.ts";
import { startNullKmsServer } from "./null-kms-server.ts";

/** Of what kube-apiserver gets for a DEK seed, the ciphertext's size (spec encryption-at-rest 2.3). */
const ciphertextBytes = 60;

/** A plugin that does nothing, on a socket in `folder`, and the client that loads plugins. */
export function nullPlugin(folder: string, clock: Clock): NullServer {
  return {
    name: "grpc-unix",
    async open(requests) {
      await using held = new AsyncDisposableStack();
      const socket = join(folder, "null.sock");
      const message = kmsV2Service.Encrypt.responseSerialize({
        ciphertext: Buffer.alloc(ciphertextBytes),
        keyId: "none",
        annotations: new Map(),
      });
      held.use(await startNullKmsServer({ socket, message }));
      const calls = await kmsCalls({ endpoint: socket, kms: "v2", method: "encrypt", count: 1, random: new Random("floor"), clock });
      const sender = held.use(await KmsLoadClient.connect({ endpoint: socket, calls, count: requests, clock }));
      const opened = held.move();
      return { sender, [Symbol.asyncDispose]: () => opened.disposeAsync() };
    },
  };
}
