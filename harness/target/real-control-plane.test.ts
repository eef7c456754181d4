import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import { Lease } from "../lease.ts";
import { freePort } from "./free-port.ts";
import { processLauncher } from "./processes.ts";
import { startRealControlPlane } from "./real-control-plane.ts";

let folder: string;
let lease: Lease;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plane-test-"));
  lease = Lease.take("test", async () => {});
});
afterEach(async () => {
  await lease.release();
  await rm(folder, { recursive: true });
});

/** A program in place of etcd or kube-apiserver. */
async function program(name: string, source: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, source);
  await chmod(path, 0o755);
  return path;
}

/** Answers what the start of a control plane asks an etcd. */
const goodEtcd = (prelude = "") => `#!${process.execPath}
const { readFileSync } = require("node:fs");
const flag = (name) => process.argv.find((word) => word.startsWith("--" + name + "=")).slice(name.length + 3);
const port = Number(new URL(flag("listen-client-urls")).port);
${prelude}
const options = { ca: readFileSync(flag("trusted-ca-file")), cert: readFileSync(flag("cert-file")), key: readFileSync(flag("key-file")), requestCert: true };
require("node:https").createServer(options, (request, response) => {
  response.end(request.url === "/version" ? '{"etcdserver":"3.7.3"}' : '{"header":{"revision":"1"}}');
}).listen(port, "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

function start(binaries: { etcd: string; kubeApiserver: string }, signal = new AbortController().signal, freePort?: () => Promise<number>) {
  const spec = {
    kubernetesVersion: "v1.37.2",
    etcdVersion: "v3.7.3",
    encryption: undefined,
    featureGates: {},
    lease,
    clock: systemClock,
    signal,
  };
  return startRealControlPlane(processLauncher(binaries), spec, freePort);
}

const left = async () => (await readdir(lease.folder)).filter((name) => name !== "lease.json");

test("an etcd that dies is told with the last lines of its log, and nothing is left", async () => {
  const etcd = await program("etcd", "#!/bin/sh\necho one\necho panic: disk I/O error >&2\nexit 3\n");
  await expect(start({ etcd, kubeApiserver: etcd })).rejects.toMatchObject({
    code: "component-ended",
    message: "etcd ended (exit code 3) before it was ready.\nThe last lines of its log:\n  one\n  panic: disk I/O error",
  });
  expect(await left()).toEqual([]);
});

test("a kube-apiserver that dies is told with the last lines of its log, and etcd is stopped", async () => {
  const etcd = await program(
    "etcd",
    goodEtcd(`require("node:fs").writeFileSync(${JSON.stringify(join(folder, "pid"))}, String(process.pid));`),
  );
  const kubeApiserver = await program("kube-apiserver", "#!/bin/sh\necho 'Error: invalid port value' >&2\nexit 1\n");
  await expect(start({ etcd, kubeApiserver })).rejects.toThrow(
    "kube-apiserver ended (exit code 1) before it was ready.\nThe last lines of its log:\n  Error: invalid port value",
  );
  const pid = Number(await readFile(join(folder, "pid"), "utf8"));
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  expect(await left()).toEqual([]);
});

test("a program that cannot be run is told", async () => {
  await expect(start({ etcd: join(folder, "none"), kubeApiserver: "" })).rejects.toMatchObject({ code: "cannot-run-binary" });
});

test("a port that somebody took is given up for another", async () => {
  await using occupied = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => occupied.listen(0, "127.0.0.1", resolve));
  const address = occupied.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  const taken = address.port;
  const etcd = await program("etcd", `#!/bin/sh\necho "listen tcp 127.0.0.1:${taken}: bind: address already in use"\nexit 1\n`);
  const ports: number[] = [];
  await expect(
    start({ etcd, kubeApiserver: etcd }, undefined, async () => {
      ports.push(taken);
      return taken;
    }),
  ).rejects.toMatchObject({
    code: "port-in-use",
    message: "5 free ports in a row were taken by other processes before they could be used.",
  });
  expect(ports.length).toBe(5);
});

test("an interruption ends the start, and nothing is left", async () => {
  const interruption = new AbortController();
  const reason = new Error("enough");
  const etcd = await program("etcd", goodEtcd());
  const kubeApiserver = await program("kube-apiserver", "#!/bin/sh\nexec sleep 1000\n");
  let ports = 0;
  const begun = start({ etcd, kubeApiserver }, interruption.signal, async () => {
    // The second port is the API server's: etcd runs by then.
    if (++ports === 2) interruption.abort(reason);
    return freePort();
  });
  await expect(begun).rejects.toBe(reason);
  expect(await left()).toEqual([]);
});
