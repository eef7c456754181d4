import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { probeSocket } from "./socket.ts";
import { listenOnSocket } from "./socket-server.ts";

const options = { onConnection: () => {}, onFault: () => {} };

/** A folder with the path of a socket in it; the sockets that `listen` opened are closed with it. */
async function arrange() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), "kmsmark-own-")));
  const path = join(folder.path, "kms.sock");
  const listen = async (at = path) => {
    const socket = await listenOnSocket(at, options);
    stack.defer(() => socket.close());
    return socket;
  };
  return { folder: folder.path, path, listen, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A socket file that nobody listens on any more. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.bound`, resolve));
  renameSync(`${path}.bound`, path);
  await new Promise((resolve) => server.close(resolve));
}

describe("listenOnSocket", () => {
  it("leaves one socket of mode 0600 and nothing else", async () => {
    await using place = await arrange();
    await place.listen();
    expect(lstatSync(place.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(place.folder)).toEqual(["kms.sock"]);
  });

  it("hands connections over", async () => {
    await using place = await arrange();
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = await listenOnSocket(place.path, {
      ...options,
      onConnection(connection) {
        connection.destroy();
        resolve();
      },
    });
    connect(place.path).on("error", () => {});
    await promise;
    socket.close();
  });

  it("refuses a live socket and leaves it alone", async () => {
    await using place = await arrange();
    await place.listen();
    const { ino } = lstatSync(place.path);
    await expect(place.listen()).rejects.toMatchObject({ code: "socket-in-use" });
    expect(lstatSync(place.path).ino).toBe(ino);
    expect(await probeSocket(place.path)).toBe("live");
    expect(readdirSync(place.folder)).toEqual(["kms.sock"]);
  });

  it("replaces a stale socket", async () => {
    await using place = await arrange();
    await leaveStaleSocket(place.path);
    expect(await probeSocket(place.path)).toBe("stale");
    await place.listen();
    expect(await probeSocket(place.path)).toBe("live");
    expect(readdirSync(place.folder)).toEqual(["kms.sock"]);
  });

  it.each(["absent", "stale"])("lets one of many win that start at once over a socket that is %s", async (state) => {
    await using place = await arrange();
    if (state === "stale") await leaveStaleSocket(place.path);
    const outcomes = await Promise.allSettled(Array.from({ length: 16 }, () => place.listen()));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "socket-in-use" });
    }
    expect(await probeSocket(place.path)).toBe("live");
    expect(readdirSync(place.folder)).toEqual(["kms.sock"]);
  });

  it("never replaces what is no socket", async () => {
    await using place = await arrange();
    writeFileSync(place.path, "precious");
    await expect(place.listen()).rejects.toMatchObject({ code: "socket-path-taken" });
    expect(readdirSync(place.folder)).toEqual(["kms.sock"]);
  });

  it("says that the folder is missing, and how to create it", async () => {
    await using place = await arrange();
    const parent = join(place.folder, "run");
    await expect(place.listen(join(parent, "kms.sock"))).rejects.toMatchObject({
      code: "socket-folder-missing",
      message: `There is no folder ${parent} for the socket.`,
      hint: `Create it: mkdir -p ${parent}`,
    });
  });

  it("says that the folder cannot be written", async () => {
    // Nobody, not even root, can create a file in it.
    await expect(listenOnSocket("/proc/self/kms.sock", options)).rejects.toMatchObject({ code: expect.stringMatching(/^socket-folder-/) });
  });

  it("says that the path is too long", async () => {
    await using place = await arrange();
    await expect(place.listen(join(place.folder, "k".repeat(107)))).rejects.toMatchObject({ code: "socket-path-too-long" });
  });

  it("takes a path of 107 bytes", async () => {
    await using place = await arrange();
    const parent = join(place.folder, "f".repeat(106 - place.folder.length - "/kms.sock".length));
    mkdirSync(parent);
    const path = join(parent, "kms.sock");
    expect(Buffer.byteLength(path)).toBe(107);
    await place.listen(path);
    expect(await probeSocket(path)).toBe("live");
  });

  it("says that a lock was left, and which", async () => {
    await using place = await arrange();
    writeFileSync(`${place.path}.lock`, "");
    const clock = new HastyClock();
    await expect(listenOnSocket(place.path, { ...options, clock })).rejects.toMatchObject({
      code: "lock-held",
      hint: expect.stringContaining(`remove ${place.path}.lock`),
    });
    expect(readdirSync(place.folder)).toEqual(["kms.sock.lock"]);
  });
});

describe("closing", () => {
  it("removes the socket", async () => {
    await using place = await arrange();
    const socket = await place.listen();
    socket.close();
    expect(readdirSync(place.folder)).toEqual([]);
  });

  it("leaves a socket alone that has taken its place", async () => {
    await using place = await arrange();
    const first = await place.listen();
    renameSync(place.path, `${place.path}.moved`);
    await place.listen();
    first.close();
    expect(await probeSocket(place.path)).toBe("live");
  });

  it("does nothing the second time", async () => {
    await using place = await arrange();
    const first = await place.listen();
    first.close();
    await place.listen();
    first.close();
    expect(existsSync(place.path)).toBe(true);
  });
});

/** Whoever sleeps moves the time on. */
class HastyClock extends VirtualClock {
  override sleep(ms: number): Promise<void> {
    return this.advance(ms);
  }
}
