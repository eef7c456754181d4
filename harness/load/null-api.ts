import type { Clock } from "../clock.ts";
import { openApiLoad } from "./api-load-client.ts";
import type { NullServer } from "./floor.ts";
import { createRequest } from "./load-request.ts";
import { startNullApiServer } from "./null-api-server.ts";
import { encodeSecret } from "./secret-spec.ts";

/** As small as a Secret of a cluster is at least: user name and password. */
const secret = {
  namespace: "default",
  name: "floor",
  type: "Opaque",
  data: new Map([
    ["username", Buffer.from("floor")],
    ["password", Buffer.alloc(24, "x")],
  ]),
};

/** An API server that does nothing, over HTTP/2 and TLS as kube-apiserver speaks it, and the client that loads API servers. */
export function nullApi(clock: Clock, signal: AbortSignal): NullServer {
  return {
    name: "https",
    async open(requests) {
      await using held = new AsyncDisposableStack();
      const { api } = held.use(await startNullApiServer());
      const load = held.use(await openApiLoad({ api, inFlightMax: 1, clock, signal }));
      const create = createRequest(encodeSecret(secret));
      const sender = load.sender(Array.from({ length: requests }, () => create));
      const opened = held.move();
      return { sender, [Symbol.asyncDispose]: () => opened.disposeAsync() };
    },
  };
}
