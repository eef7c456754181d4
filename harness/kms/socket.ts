import { lstat } from "node:fs/promises";
import { connect } from "node:net";
import { resolve } from "node:path";
import { PluginError, systemCodeOf } from "../errors.ts";

/** `sun_path` of Linux' `sockaddr_un` has 108 bytes, the last of which is NUL (unix(7)). */
export const socketPathBytesMax = 107;

/**
 * The absolute path that an endpoint names: `unix:///run/kms.sock`, `unix:/run/kms.sock`, or a bare path.
 * @throws PluginError `abstract-socket`, `bad-socket-path` or `socket-path-too-long`.
 */
export function socketPathOf(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/(?=[/@]))?/, "");
  if (path.startsWith("@") || path.startsWith("/@") || path.startsWith("\0")) {
    throw new PluginError("abstract-socket", `${endpoint} names an abstract socket, which kmsmark cannot use.`, {
      hint: "Let the plugin listen on a socket in the file system.",
    });
  }
  if (path === "" || path.includes("\0") || path.startsWith("//") || path.includes("://")) {
    throw new PluginError("bad-socket-path", `${JSON.stringify(endpoint)} is no path of a Unix socket.`, {
      hint: "Write /path/to/kms.sock or unix:///path/to/kms.sock.",
    });
  }
  const absolute = resolve(path);
  const bytes = Buffer.byteLength(absolute);
  if (bytes > socketPathBytesMax) {
    throw new PluginError(
      "socket-path-too-long",
      `The socket path ${absolute} has ${bytes} bytes; a Unix socket's has at most ${socketPathBytesMax}.`,
      {
        hint: "Put the socket into a folder with a shorter path.",
      },
    );
  }
  return absolute;
}

/** `live`: somebody accepts connections; `stale`: a socket nobody listens on; `other`: something that is no stream socket. */
export type SocketState = "live" | "stale" | "absent" | "other" | "forbidden";

/** Finds out who is at a socket path by connecting to it. */
export async function probeSocket(path: string): Promise<SocketState> {
  try {
    if (!(await lstat(path)).isSocket()) return "other";
    await connectOnce(path);
    return "live";
  } catch (thrown) {
    switch (systemCodeOf(thrown)) {
      case "ENOENT":
      case "ENOTDIR":
        return "absent";
      case "ECONNREFUSED":
        return "stale";
      case "EACCES":
      case "EPERM":
        return "forbidden";
      case "EPROTOTYPE":
        return "other";
      // The listener's backlog is full.
      case "EAGAIN":
        return "live";
      default:
        throw thrown;
    }
  }
}

/**
 * Resolves when something accepts connections on the socket.
 * @throws PluginError `no-plugin` when nothing does, `socket-forbidden` when this user may not connect.
 */
export async function requireListening(path: string): Promise<void> {
  switch (await probeSocket(path)) {
    case "live":
      return;
    case "forbidden":
      throw new PluginError("socket-forbidden", `This user may not connect to the socket ${path}.`);
    case "absent":
      throw new PluginError("no-plugin", `There is no socket ${path}.`, { hint: "Start the KMS plugin first." });
    case "stale":
      throw new PluginError("no-plugin", `Nothing listens on the socket ${path}; a plugin that died left it behind.`, {
        hint: "Start the KMS plugin again.",
      });
    case "other":
      throw new PluginError("no-plugin", `${path} is no Unix stream socket.`, { hint: "Name the socket on which the KMS plugin listens." });
  }
}

function connectOnce(path: string): Promise<void> {
  return new Promise((settled, failed) => {
    const socket = connect(path, () => {
      socket.destroy();
      settled();
    });
    socket.once("error", failed);
  });
}
