import { connect as connectHttp2 } from "node:http2";
import { connect as connectSocket } from "node:net";
import type { Findings } from "./check.ts";

/** A connection to a plugin that does nothing but stay open. */
export interface ConnectionWatch extends Disposable {
  /**
   * Whether the plugin broke it off without a word. A server that closes a connection on purpose says GOAWAY first (RFC 9113 6.8); a process
   * that dies cannot, even if another takes its place before the next call.
   */
  readonly wasBrokenOff: boolean;
}

/** Opens a connection and watches it until it is disposed of. Rejects where nobody listens on the socket. */
export async function watchConnection(socket: string): Promise<ConnectionWatch> {
  const session = connectHttp2("http://localhost", { createConnection: () => connectSocket(socket) });
  let hasSaidGoodbye = false;
  let isDisposed = false;
  let wasBrokenOff = false;
  session.on("goaway", () => {
    hasSaidGoodbye = true;
  });
  session.on("close", () => {
    wasBrokenOff = !isDisposed && !hasSaidGoodbye;
  });
  // The server's settings: it is up, and speaks HTTP/2.
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  session.once("remoteSettings", () => resolve());
  session.on("error", reject);
  session.once("close", () => reject(new Error("The plugin closed a connection that had just been opened.")));
  await promise;
  return {
    get wasBrokenOff() {
      return wasBrokenOff;
    },
    [Symbol.dispose]() {
      isDisposed = true;
      session.destroy();
    },
  };
}

/** Adds that a connection stayed open while others asked for what ends some plugins. */
export function addLivesOn(findings: Findings, { wasBrokenOff }: ConnectionWatch): boolean {
  return findings.add(!wasBrokenOff, {
    sent: "nothing, on another connection that was open meanwhile",
    received: wasBrokenOff ? "its end, without a GOAWAY: the plugin has died, or broken it off" : "nothing",
    expected: "nothing",
  });
}
