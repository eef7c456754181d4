import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Lease } from "../lease.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { type AttachedSettings, attachedTarget } from "./attached.ts";
import { issueServerCertificates } from "./certificates.ts";
import { renderKubeconfig } from "./kubeconfig.ts";

const certificates = await issueServerCertificates();

let folder: string;
let lease: Lease;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "attached-test-"));
  lease = Lease.take("test", async () => {});
});
afterEach(async () => {
  await lease.release();
  await rm(folder, { recursive: true });
});

/** Somebody else's server with TLS, which answers every path with the same text. */
async function startServer(status: number, text: string, { caPem } = certificates) {
  const options = { cert: certificates.certificatePem, key: certificates.keyPem };
  const server = createServer(options, (_request, response) => response.writeHead(status).end(text));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  const url = `https://127.0.0.1:${address.port}`;
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, renderKubeconfig("theirs", { url, caPem, identity: { kind: "token", token: "t" } }));
  return { url, kubeconfig, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function attach(settings: AttachedSettings) {
  return attachedTarget(settings).start({
    kubernetesVersion: "v1.37.2",
    etcdVersion: "v3.7.3",
    encryption: undefined,
    featureGates: {},
    lease,
    clock: new VirtualClock(),
    signal: new AbortController().signal,
  });
}

test("it says the version that the server has, whatever was asked for", async () => {
  await using server = await startServer(200, '{"gitVersion":"v1.34.4"}');
  await using plane = await attach({ kubeconfig: server.kubeconfig });
  expect([plane.kubernetesVersion, plane.etcdVersion, plane.etcdPrefix, plane.store]).toEqual([
    "v1.34.4",
    undefined,
    "/registry",
    undefined,
  ]);
});

test("what it cannot do is said with the reason", async () => {
  await using server = await startServer(200, '{"gitVersion":"v1.34.4"}');
  await using plane = await attach({ kubeconfig: server.kubeconfig });
  expect(plane.cannot).toEqual({
    restart: "kmsmark did not start this API server, so it does not restart it",
    configure: "kmsmark did not start this API server, so it does not change its encryption configuration",
    tap: "no tap stands between this API server and its KMS plugin; the API server's own metrics count the calls",
    store: "no etcd endpoint was given for this control plane",
  });
  await expect(plane.stopApiServer()).rejects.toMatchObject({ code: "not-ours" });
});

test("with an etcd endpoint it has a store, under the prefix that was named", async () => {
  await using server = await startServer(200, '{"gitVersion":"v1.34.4","etcdserver":"3.5.9"}');
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, certificates.caPem);
  await using plane = await attach({ kubeconfig: server.kubeconfig, etcd: { url: `${server.url}/`, caFile, prefix: "/other" } });
  expect([plane.etcdVersion, plane.etcdPrefix, Object.keys(plane.cannot)]).toEqual(["v3.5.9", "/other", ["restart", "configure", "tap"]]);
  expect(plane.store).toBeDefined();
});

test("a server that is no API server is refused", async () => {
  await using server = await startServer(404, "not found");
  await expect(attach({ kubeconfig: server.kubeconfig })).rejects.toMatchObject({
    code: "no-api-server",
    message: `${server.url} does not say its version as an API server does (HTTP status 404).`,
  });
});

test("a server that another authority vouches for is not trusted", async () => {
  await using server = await startServer(200, '{"gitVersion":"v1.34.4"}', await issueServerCertificates());
  await expect(attach({ kubeconfig: server.kubeconfig })).rejects.toMatchObject({ code: "api-unreachable" });
});

test("a server that is not there is said with its address", async () => {
  const server = await startServer(200, "");
  await server[Symbol.asyncDispose]();
  await expect(attach({ kubeconfig: server.kubeconfig })).rejects.toMatchObject({
    code: "api-unreachable",
    message: expect.stringContaining(server.url),
  });
});

test("half a client certificate for etcd is refused", async () => {
  await using server = await startServer(200, '{"gitVersion":"v1.34.4"}');
  const etcd = { url: server.url, certificateFile: "/cert.pem" };
  await expect(attach({ kubeconfig: server.kubeconfig, etcd })).rejects.toMatchObject({ code: "etcd-half-credential" });
});

test("a file of etcd's that cannot be read is named", async () => {
  await using server = await startServer(200, '{"gitVersion":"v1.34.4"}');
  const etcd = { url: server.url, caFile: join(folder, "none.pem") };
  await expect(attach({ kubeconfig: server.kubeconfig, etcd })).rejects.toMatchObject({
    code: "unreadable-file",
    message: expect.stringContaining(join(folder, "none.pem")),
  });
});
