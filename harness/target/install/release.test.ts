import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import tar from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../clock.ts";
import { InstallError, Interrupted } from "../../errors.ts";
import { VirtualClock } from "../../virtual-clock.ts";
import { install } from "./install.ts";
import { releaseWay } from "./release.ts";
import { type Component, type Job, WayFailed } from "./way.ts";

const kubeApiserver: Component = { name: "kube-apiserver", version: "v1.37.2" };
const etcd: Component = { name: "etcd", version: "v3.7.3" };
const binary = randomBytes(300_000);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

type Answer = (response: ServerResponse) => void;
const ok =
  (body: Uint8Array | string): Answer =>
  (response) =>
    response.end(body);

/** A release server on loopback; what it does not know is 404. */
let answers: Map<string, Answer>;
let server: Server;
let folder: string;
let interruption: AbortController;

beforeEach(async () => {
  answers = new Map();
  server = createServer((request, response) => {
    const answer = answers.get(request.url ?? "");
    if (answer === undefined) response.writeHead(404).end();
    else answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  folder = await mkdtemp(join(tmpdir(), "release-test-"));
  interruption = new AbortController();
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

function job(clock = systemClock): Job {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    overrides: { kubernetesUrl: `${url}/k8s/`, etcdUrl: `${url}/etcd` },
    architecture: "amd64",
    environment: {},
    signal: interruption.signal,
    progress: () => {},
    clock,
  };
}

const apiserverPath = "/k8s/v1.37.2/bin/linux/amd64/kube-apiserver";
const etcdPath = "/etcd/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz";

async function tarball(names: readonly string[]): Promise<Uint8Array> {
  const pack = tar.pack();
  for (const name of names) pack.entry({ name }, Buffer.from(binary));
  pack.finalize();
  return gzipSync(await buffer(pack));
}

describe("kube-apiserver from the release server", () => {
  it("is what was published", async () => {
    answers.set(apiserverPath, ok(binary));
    answers.set(`${apiserverPath}.sha256`, ok(sha256(binary)));
    await releaseWay(job()).get(kubeApiserver, folder);
    expect(await readdir(folder)).toEqual(["kube-apiserver"]);
    expect(Buffer.compare(await readFile(join(folder, "kube-apiserver")), binary)).toBe(0);
  });

  it("is refused with a wrong checksum", async () => {
    answers.set(apiserverPath, ok(binary));
    answers.set(`${apiserverPath}.sha256`, ok("0".repeat(64)));
    await expect(releaseWay(job()).get(kubeApiserver, folder)).rejects.toThrow(
      new RegExp(`has the SHA-256 ${sha256(binary)} and not 0{64}, so it was thrown away$`),
    );
  });

  it("is refused when one byte of it was changed", async () => {
    const changed = Buffer.from(binary);
    changed[1000] = (changed[1000] ?? 0) ^ 1;
    answers.set(apiserverPath, ok(changed));
    answers.set(`${apiserverPath}.sha256`, ok(sha256(binary)));
    await expect(releaseWay(job()).get(kubeApiserver, folder)).rejects.toThrow(WayFailed);
  });

  it("is refused when the download is cut off", async () => {
    answers.set(apiserverPath, (response) => {
      response.writeHead(200, { "content-length": binary.length });
      response.write(binary.subarray(0, 100_000), () => response.destroy());
    });
    answers.set(`${apiserverPath}.sha256`, ok(sha256(binary)));
    await expect(releaseWay(job()).get(kubeApiserver, folder)).rejects.toThrow(/kube-apiserver could not be fetched: /);
  });

  it("is refused when there is no such version", async () => {
    await expect(releaseWay(job()).get(kubeApiserver, folder)).rejects.toThrow(/kube-apiserver\.sha256 answers HTTP 404$/);
  });

  it("is refused when the checksum is no checksum", async () => {
    answers.set(`${apiserverPath}.sha256`, ok("<html>not here</html>"));
    await expect(releaseWay(job()).get(kubeApiserver, folder)).rejects.toThrow(/holds no SHA-256$/);
  });

  it("is given up when the server falls silent", async () => {
    const clock = new VirtualClock();
    const asked = Promise.withResolvers<void>();
    answers.set(`${apiserverPath}.sha256`, () => asked.resolve());
    const outcome = releaseWay(job(clock))
      .get(kubeApiserver, folder)
      .catch((thrown: unknown) => thrown);
    await asked.promise;
    await clock.advance(20_000);
    expect(String(await outcome)).toMatch(/sent nothing for 20 s$/);
  });

  it("is given up at once when the user interrupts", async () => {
    answers.set(`${apiserverPath}.sha256`, () => interruption.abort(new Interrupted()));
    await expect(releaseWay(job()).get(kubeApiserver, folder)).rejects.toThrow(Interrupted);
  });
});

describe("etcd from the release server", () => {
  it("is taken out of its archive", async () => {
    const archive = await tarball(["etcd-v3.7.3-linux-amd64/README.md", "etcd-v3.7.3-linux-amd64/etcd"]);
    answers.set(etcdPath, ok(archive));
    answers.set("/etcd/v3.7.3/SHA256SUMS", ok(`${"1".repeat(64)}  other.tar.gz\n${sha256(archive)}  etcd-v3.7.3-linux-amd64.tar.gz\n`));
    await releaseWay(job()).get(etcd, folder);
    expect(await readdir(folder)).toEqual(["etcd"]);
    expect(Buffer.compare(await readFile(join(folder, "etcd")), binary)).toBe(0);
  });

  it("is refused when the archive does not hold it", async () => {
    const archive = await tarball(["etcd-v3.7.3-linux-amd64/README.md"]);
    answers.set(etcdPath, ok(archive));
    answers.set("/etcd/v3.7.3/SHA256SUMS", ok(`${sha256(archive)}  etcd-v3.7.3-linux-amd64.tar.gz\n`));
    await expect(releaseWay(job()).get(etcd, folder)).rejects.toThrow(/does not contain etcd-v3\.7\.3-linux-amd64\/etcd$/);
    expect(await readdir(folder)).not.toContain("etcd");
  });

  it("is refused when the sums do not name the archive", async () => {
    answers.set("/etcd/v3.7.3/SHA256SUMS", ok(`${"1".repeat(64)}  other.tar.gz\n`));
    await expect(releaseWay(job()).get(etcd, folder)).rejects.toThrow(/holds no SHA-256 of etcd-v3\.7\.3-linux-amd64\.tar\.gz$/);
  });
});

describe("an installation", () => {
  const request = (cache: string) => ({ ...job(), kubernetesVersion: "1.37.2", etcdVersion: "3.7.3", from: "release" as const, cache });

  it("that fails says why in one sentence, and leaves no half file", async () => {
    answers.set(apiserverPath, ok(binary));
    answers.set(`${apiserverPath}.sha256`, ok("0".repeat(64)));
    const fault = await install(request(folder)).catch((thrown: unknown) => thrown);
    expect(fault).toBeInstanceOf(InstallError);
    expect(String(fault)).toMatch(
      /^InstallError: kube-apiserver v1\.37\.2 and etcd v3\.7\.3 could not be had from release \(.*thrown away\)\.$/,
    );
    expect((await readdir(folder)).filter((name) => !name.startsWith("lock-"))).toEqual([]);
  });

  it("that is interrupted leaves no half file", async () => {
    answers.set(`${apiserverPath}.sha256`, ok(sha256(binary)));
    answers.set(apiserverPath, (response) => {
      response.writeHead(200, { "content-length": binary.length });
      response.write(binary.subarray(0, 100_000), () => interruption.abort(new Interrupted()));
    });
    await expect(install(request(folder))).rejects.toThrow(Interrupted);
    expect((await readdir(folder)).filter((name) => !name.startsWith("lock-"))).toEqual([]);
  });

  it("keeps what it got when only the other component failed, and does not fetch it again", async () => {
    answers.set(apiserverPath, ok(binary));
    answers.set(`${apiserverPath}.sha256`, ok(sha256(binary)));
    await expect(install(request(folder))).rejects.toThrow(/^etcd v3\.7\.3 could not be had from release \(.*HTTP 404\)\.$/);
    answers.delete(apiserverPath);
    await expect(install(request(folder))).rejects.toThrow(/^etcd v3\.7\.3 could not be had/);
  });

  it("refuses a cache that is no folder", async () => {
    const fault = await install(request("/proc/kmsmark-cache")).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ code: "cache-unwritable" });
  });
});
