import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import tar from "tar-stream";
import { expect, test } from "vitest";
import { Interrupted } from "../../errors.ts";
import { VirtualClock } from "../../virtual-clock.ts";
import type { InstallProgress } from "./progress.ts";
import { releaseWay } from "./release.ts";
import { type Component, type Job, WayFailed } from "./way.ts";

const kubeApiserver: Component = { name: "kube-apiserver", version: "v1.37.2" };
const etcd: Component = { name: "etcd", version: "v3.7.3" };
const binaryPath = "/kubernetes/v1.37.2/bin/linux/amd64/kube-apiserver";
const archivePath = "/etcd/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz";
const sumsPath = "/etcd/v3.7.3/SHA256SUMS";
const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("the official places are dl.k8s.io and etcd's releases", async () => {
  const { source } = releaseWay({ ...jobAt("http://127.0.0.1:1"), overrides: {}, architecture: "arm64" });
  expect([source(kubeApiserver), source(etcd)]).toEqual([
    "https://dl.k8s.io/release/v1.37.2/bin/linux/arm64/kube-apiserver",
    "https://github.com/etcd-io/etcd/releases/download/v3.7.3/etcd-v3.7.3-linux-arm64.tar.gz",
  ]);
});

test("kube-apiserver with the right checksum is taken", async () => {
  await using place = await serve({ [binaryPath]: "binary", [`${binaryPath}.sha256`]: sha256("binary") });
  const progress: InstallProgress[] = [];
  await releaseWay({ ...jobAt(place.url), progress: (event) => progress.push(event) }).get(kubeApiserver, place.folder);
  expect(await readFile(join(place.folder, "kube-apiserver"), "utf8")).toBe("binary");
  expect(progress.at(-1)).toEqual({ kind: "amount", done: 6, total: 6, unit: "bytes" });
});

test("etcd is unpacked out of an archive with the right checksum, and nothing else is", async () => {
  const archive = await archiveOf({ "etcd-v3.7.3-linux-amd64/README.md": "read me", "etcd-v3.7.3-linux-amd64/etcd": "binary" });
  await using place = await serve({
    [archivePath]: archive,
    [sumsPath]: `${sha256("other")}  etcd-v3.7.3-linux-arm64.tar.gz\n${sha256(archive)}  etcd-v3.7.3-linux-amd64.tar.gz\n`,
  });
  await releaseWay(jobAt(place.url)).get(etcd, place.folder);
  expect(await readdir(place.folder)).toEqual(["etcd"]);
  expect(await readFile(join(place.folder, "etcd"), "utf8")).toBe("binary");
});

test("a wrong checksum is refused", async () => {
  await using place = await serve({ [binaryPath]: "binary", [`${binaryPath}.sha256`]: sha256("another") });
  await expect(releaseWay(jobAt(place.url)).get(kubeApiserver, place.folder)).rejects.toThrow(
    new WayFailed(`${place.url}${binaryPath} has the SHA-256 ${sha256("binary")} and not ${sha256("another")}, so it was thrown away`),
  );
});

test("an archive with a wrong checksum is not even unpacked", async () => {
  const archive = await archiveOf({ "etcd-v3.7.3-linux-amd64/etcd": "binary" });
  await using place = await serve({ [archivePath]: archive, [sumsPath]: `${sha256("another")}  etcd-v3.7.3-linux-amd64.tar.gz\n` });
  await expect(releaseWay(jobAt(place.url)).get(etcd, place.folder)).rejects.toThrow("so it was thrown away");
  expect(await readdir(place.folder)).not.toContain("etcd");
});

test("a checksum file that does not name the archive is refused", async () => {
  await using place = await serve({ [archivePath]: "archive", [sumsPath]: `${sha256("archive")}  etcd-v3.7.3-darwin-amd64.zip\n` });
  await expect(releaseWay(jobAt(place.url)).get(etcd, place.folder)).rejects.toThrow(
    new WayFailed(`${place.url}${sumsPath} holds no SHA-256 of etcd-v3.7.3-linux-amd64.tar.gz`),
  );
});

test("an archive without etcd in it is refused", async () => {
  const archive = await archiveOf({ "elsewhere/etcd": "binary" });
  await using place = await serve({ [archivePath]: archive, [sumsPath]: `${sha256(archive)}  etcd-v3.7.3-linux-amd64.tar.gz\n` });
  await expect(releaseWay(jobAt(place.url)).get(etcd, place.folder)).rejects.toThrow("does not contain etcd-v3.7.3-linux-amd64/etcd");
});

test("a version that was not published is refused", async () => {
  await using place = await serve({});
  await expect(releaseWay(jobAt(place.url)).get(kubeApiserver, place.folder)).rejects.toThrow(
    new WayFailed(`${place.url}${binaryPath}.sha256 answers HTTP 404`),
  );
});

test("a download that is cut is refused", async () => {
  await using place = await serve({
    [binaryPath]: (response) => {
      response.writeHead(200, { "content-length": 1000 });
      response.write("part", () => response.destroy());
    },
    [`${binaryPath}.sha256`]: sha256("binary"),
  });
  await expect(releaseWay(jobAt(place.url)).get(kubeApiserver, place.folder)).rejects.toThrow(
    `${place.url}${binaryPath} could not be fetched`,
  );
});

test("a server that does not answer is given up after 20 s", async () => {
  const asked = Promise.withResolvers<void>();
  await using place = await serve({ [`${binaryPath}.sha256`]: () => asked.resolve() });
  const clock = new VirtualClock();
  const getting = releaseWay({ ...jobAt(place.url), clock }).get(kubeApiserver, place.folder);
  getting.catch(() => {});
  await asked.promise;
  await clock.advance(20_000);
  await expect(getting).rejects.toThrow(new WayFailed(`${place.url}${binaryPath}.sha256 sent nothing for 20 s`));
});

test("a download that stops is given up after 20 s", async () => {
  await using place = await serve({
    [binaryPath]: (response) => {
      response.writeHead(200, { "content-length": 1000 });
      response.write("part");
    },
    [`${binaryPath}.sha256`]: sha256("binary"),
  });
  const clock = new VirtualClock();
  const begun = Promise.withResolvers<void>();
  const progress = ({ kind }: InstallProgress) => (kind === "amount" ? begun.resolve() : undefined);
  const getting = releaseWay({ ...jobAt(place.url), clock, progress }).get(kubeApiserver, place.folder);
  getting.catch(() => {});
  await begun.promise;
  await clock.advance(20_000);
  await expect(getting).rejects.toThrow(new WayFailed(`${place.url}${binaryPath} sent nothing for 20 s`));
});

test("an interruption ends the download", async () => {
  const interruption = new AbortController();
  await using place = await serve({ [`${binaryPath}.sha256`]: () => interruption.abort(new Interrupted()) });
  const getting = releaseWay({ ...jobAt(place.url), signal: interruption.signal }).get(kubeApiserver, place.folder);
  await expect(getting).rejects.toBeInstanceOf(Interrupted);
});

test("a server that is not there is named", async () => {
  await using place = await serve({});
  const { url } = place;
  await place.close();
  await expect(releaseWay(jobAt(url)).get(kubeApiserver, place.folder)).rejects.toThrow(
    `${url}${binaryPath}.sha256 could not be fetched: connect ECONNREFUSED`,
  );
});

function jobAt(url: string): Job {
  return {
    overrides: { kubernetesUrl: `${url}/kubernetes/`, etcdUrl: `${url}/etcd` },
    architecture: "amd64",
    environment: {},
    signal: new AbortController().signal,
    progress: () => {},
    clock: new VirtualClock(),
  };
}

async function archiveOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, content] of Object.entries(files)) pack.entry({ name }, content);
  pack.finalize();
  return gzipSync(await buffer(Readable.from(pack)));
}

/** A server on loopback that answers each path with a content, or as a function says, and everything else with 404. */
async function serve(answers: Readonly<Record<string, string | Uint8Array | ((response: ServerResponse) => void)>>) {
  const root = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const folder = join(root.path, "unfinished");
  await mkdir(folder);
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (answer === undefined) response.writeHead(404).end();
    else if (typeof answer === "function") answer(response);
    else response.end(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  const close = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    folder,
    close,
    async [Symbol.asyncDispose]() {
      await close();
      await root[Symbol.asyncDispose]();
    },
  };
}
