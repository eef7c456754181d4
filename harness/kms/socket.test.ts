import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PluginError } from "../errors.ts";
import { probeSocket, requireListening, socketPathOf } from "./socket.ts";

const folder = () => mkdtempDisposable(join(tmpdir(), "kmsmark-socket-"));

function listen(path: string): Promise<AsyncDisposable> {
  const server = createServer((connection) => connection.destroy());
  const { promise, resolve } = Promise.withResolvers<AsyncDisposable>();
  server.listen(path, () => resolve({ [Symbol.asyncDispose]: () => new Promise((closed) => server.close(() => closed())) }));
  return promise;
}

/** A socket file that nobody listens on any more. */
async function leaveStaleSocket(path: string): Promise<void> {
  await using _server = await listen(`${path}.bound`);
  renameSync(`${path}.bound`, path);
}

describe("socketPathOf", () => {
  it.each(["unix:///run/kms.sock", "unix:/run/kms.sock", "/run/kms.sock"])("takes %s", (endpoint) => {
    expect(socketPathOf(endpoint)).toBe("/run/kms.sock");
  });

  it("makes a relative path absolute", () => {
    expect(socketPathOf("kms.sock")).toBe(join(process.cwd(), "kms.sock"));
  });

  it.each(["@kms", "unix:///@kms", "unix://@kms", "unix:@kms", "\0kms"])("refuses the abstract socket %j", (endpoint) => {
    expect(() => socketPathOf(endpoint)).toThrow(expect.objectContaining({ code: "abstract-socket" }));
  });

  it.each(["", "unix://", "unix://kms.sock", "tcp://127.0.0.1:1", "/run/\0"])("refuses %j", (endpoint) => {
    expect(() => socketPathOf(endpoint)).toThrow(expect.objectContaining({ code: "bad-socket-path" }));
  });

  it("takes 107 bytes and refuses 108", () => {
    expect(socketPathOf(`/${"a".repeat(106)}`)).toHaveLength(107);
    expect(() => socketPathOf(`/${"a".repeat(107)}`)).toThrow(
      expect.objectContaining({
        code: "socket-path-too-long",
        message: expect.stringContaining("has 108 bytes; a Unix socket's has at most 107"),
      }),
    );
    expect(() => socketPathOf(`/${"ä".repeat(54)}`)).toThrow(PluginError);
  });
});

describe("probeSocket", () => {
  it("tells live, stale, absent and other apart", async () => {
    await using temporary = await folder();
    const at = (name: string) => join(temporary.path, name);
    await using _server = await listen(at("live"));
    await leaveStaleSocket(at("stale"));
    writeFileSync(at("file"), "");
    mkdirSync(at("folder"));
    const states = await Promise.all(["live", "stale", "absent", "file", "folder", "file/below"].map((name) => probeSocket(at(name))));
    expect(states).toEqual(["live", "stale", "absent", "other", "other", "absent"]);
  });
});

describe("requireListening", () => {
  it("says what is there instead of a plugin", async () => {
    await using temporary = await folder();
    const at = (name: string) => join(temporary.path, name);
    await leaveStaleSocket(at("stale"));
    writeFileSync(at("file"), "");
    await expect(requireListening(at("absent"))).rejects.toMatchObject({
      code: "no-plugin",
      message: `There is no socket ${at("absent")}.`,
    });
    await expect(requireListening(at("stale"))).rejects.toMatchObject({
      code: "no-plugin",
      message: expect.stringContaining("Nothing listens"),
    });
    await expect(requireListening(at("file"))).rejects.toMatchObject({
      code: "no-plugin",
      message: expect.stringContaining("no Unix stream socket"),
    });
  });
});
