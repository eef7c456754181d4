import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { messageOf, PluginError, systemCodeOf } from "../errors.ts";
import { holdLockFile } from "../lock-file.ts";
import { probeSocket, socketPathBytesMax, socketPathOf } from "./socket.ts";

/** A Unix socket, mode 0600, that this process listens on. */
export interface OwnSocket {
  readonly path: string;
  /**
   * Removes the socket, unless another has taken its place, and accepts no more connections. Connections that were accepted stay.
   * Resolves at once.
   */
  close(): void;
}

export interface ListenOptions {
  readonly onConnection: (connection: Socket) => void;
  /** A connection could not be accepted, for want of file descriptors for instance. The socket goes on listening. */
  readonly onFault: (fault: Error) => void;
  readonly clock?: Clock;
}

/**
 * Listens at a path where nobody does. A stale socket is replaced in one step; of two processes that start at once, one wins. The socket
 * is bound in a folder that only this user may enter and moved into place with its mode set, so that nobody else can ever connect.
 * @throws PluginError `socket-in-use`, `socket-path-taken`, `socket-path-too-long`, `socket-folder-missing`, `socket-folder-unwritable`,
 * `lock-held`.
 */
export async function listenOnSocket(endpoint: string, { onConnection, onFault, clock = systemClock }: ListenOptions): Promise<OwnSocket> {
  const path = socketPathOf(endpoint);
  await requireFree(path);
  const privateFolder = createPrivateFolder(path);
  const privatePath = join(privateFolder, "s");
  const server = createServer(onConnection);
  try {
    await listen(server, privatePath);
    chmodSync(privatePath, 0o600);
    await moveIntoPlace(privatePath, path, clock);
  } catch (thrown) {
    server.close();
    throw thrown;
  } finally {
    rmSync(privateFolder, { recursive: true, force: true });
  }
  server.on("error", onFault);
  const own = lstatSync(path);
  let isClosed = false;
  return {
    path,
    close() {
      if (isClosed) return;
      isClosed = true;
      // While this process listens, its inode's number is not given to another; and nobody replaces a socket that is listened on.
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (there?.ino === own.ino && there.dev === own.dev) unlinkSync(path);
      server.close();
    },
  };
}

async function requireFree(path: string): Promise<void> {
  switch (await probeSocket(path)) {
    case "absent":
    case "stale":
      return;
    case "live":
      throw new PluginError("socket-in-use", `Another process serves on the socket ${path}.`, {
        hint: "Stop it first, or choose another path.",
      });
    case "forbidden":
      throw new PluginError("socket-in-use", `The socket ${path} belongs to somebody else.`, { hint: "Choose another path." });
    case "other":
      throw new PluginError("socket-path-taken", `${path} is there already and is no socket.`, {
        hint: "Remove it, or choose another path.",
      });
  }
}

/** Exchanges what lies at `path`, if it is still the stale socket or the nothing that a probe found. */
async function moveIntoPlace(from: string, path: string, clock: Clock): Promise<void> {
  for (;;) {
    const before = identityOf(path);
    await requireFree(path);
    using _lock = await holdLockFile(path, clock);
    if (identityOf(path) !== before) continue;
    renameSync(from, path);
    return;
  }
}

/** Tells a file from a later one at the same path, also where the file system gives out the same inode number again. */
function identityOf(path: string): string {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? "absent" : `${stats.dev} ${stats.ino} ${stats.ctimeNs}`;
}

/** Beside the socket, because a file can only be moved in one step within its file system; short, because its socket's path must fit. */
function createPrivateFolder(path: string): string {
  const parent = dirname(path);
  const folder = join(parent, `.${randomBytes(2).toString("hex")}`);
  if (Buffer.byteLength(join(folder, "s")) > socketPathBytesMax) {
    throw new PluginError("socket-path-too-long", `The folder ${parent} has so long a path that no socket can be prepared in it.`, {
      hint: `Put ${basename(path)} into a folder with a shorter path.`,
    });
  }
  try {
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    if (code === "EEXIST") return createPrivateFolder(path);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new PluginError("socket-folder-missing", `There is no folder ${parent} for the socket.`, {
        hint: `Create it: mkdir -p ${parent}`,
        cause: thrown,
      });
    }
    throw new PluginError("socket-folder-unwritable", `No socket can be created in ${parent}: ${messageOf(thrown)}.`, { cause: thrown });
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
