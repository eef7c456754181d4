import { createServer } from "node:net";

/**
 * A TCP port of 127.0.0.1 on which nobody listens now. Another process may take it before it is used: whoever starts a server on it looks
 * for {@link saysPortInUse} and tries another one.
 */
export async function freePort(): Promise<number> {
  await using server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server listens without a port.");
  return address.port;
}

/** Whether a server's log says that its port was taken; the words are those of Go's net package for EADDRINUSE. */
export function saysPortInUse(log: string): boolean {
  return log.includes("address already in use");
}
