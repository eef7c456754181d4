import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Findings } from "./check.ts";
import { addLivesOn, watchConnection } from "./plugin-connection-watch.ts";

const folder = mkdtempSync(join(tmpdir(), "kms-watch-"));
afterAll(() => rmSync(folder, { recursive: true }));

it.each<[string, "pass" | "fail", (connection: { socket: Socket; session: ServerHttp2Session }) => void]>([
  ["stays open", "pass", () => {}],
  ["breaks off", "fail", ({ socket }) => socket.destroy()],
  ["is closed with a farewell", "pass", ({ session }) => session.close()],
])("a connection that %s: %s", async (_, verdict, act) => {
  const server = createServer();
  const accepted = Promise.all([once(server, "connection"), once(server, "session")]);
  const path = join(folder, "kms.sock");
  server.listen(path);
  await once(server, "listening");
  using watch = await watchConnection(path);
  const [[socket], [session]] = await accepted;
  act({ socket, session });
  // As a check does, it asks something else over another connection before it looks.
  using _other = await watchConnection(path);
  const findings = new Findings();
  addLivesOn(findings, watch);
  expect(findings.outcome().verdict).toBe(verdict);
  server.close();
});

it("rejects where nobody listens", async () => {
  await expect(watchConnection(join(folder, "nobody.sock"))).rejects.toThrow("ENOENT");
});
