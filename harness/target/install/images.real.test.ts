import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import tar from "tar-stream";
import { afterAll, expect, test } from "vitest";
import { systemClock } from "../../clock.ts";
import { Interrupted } from "../../errors.ts";
import { describeReal } from "../real-test.ts";
import { type DockerApi, dockerApi, isHttpStatus } from "./docker-engine.ts";
import { findImages, imagesWay, localImage } from "./images.ts";
import { type InstallRequest, install } from "./install.ts";
import { architectureOf, type Job, WayFailed } from "./way.ts";

// No such versions were published, so nothing of what this machine has is touched.
const kubernetesVersion = "v1.37.9001";
const etcdVersion = "v3.7.9001";
const kubeApiserver = { name: "kube-apiserver", version: kubernetesVersion } as const;
const etcd = { name: "etcd", version: etcdVersion } as const;

await describeReal("containers", "images", () => {
  afterAll(async () => {
    const api = await engine();
    for (const { RepoTags, Id } of await api.listImages()) {
      if (RepoTags?.some((tag) => tag.includes("7.9001"))) await api.getImage(Id).remove({ force: true });
    }
  });

  test("the images of a mirror are pulled, their binaries cached, and found as images", async () => {
    await using place = await placeWithRegistry();
    const installed = await install(place.request);
    expect(await readFile(installed.binaries.kubeApiserver, "utf8")).toBe("kube-apiserver of a test");
    expect(await readFile(installed.binaries.etcd, "utf8")).toBe("etcd of a test");
    expect(installed.sources).toEqual({
      kubeApiserver: `${place.mirror}/kube-apiserver:v1.37.9001`,
      etcd: `${place.mirror}/etcd:3.7.9001-0`,
    });
    expect(await findImages({ kubernetesVersion, etcdVersion })).toEqual(installed.images);
    expect(installed.images).toEqual({ kubeApiserver: localImage(kubeApiserver), etcd: localImage(etcd) });
  });

  test("an image is made of the cached binary, in place of one with another binary", async () => {
    await using place = await placeWithRegistry();
    await install(place.request);
    const images = [];
    for (const content of ["first", "second"]) {
      const parts = { dockerApi, ways: { images: imagesWay, go: writing(content), release: writing(content) } };
      await install({ ...place.request, from: content === "first" ? "go" : "release" }, parts);
      images.push(await (await engine()).getImage(localImage(etcd)).inspect());
    }
    const [first, second] = images;
    expect(second?.Config.Entrypoint).toEqual(["/usr/local/bin/etcd"]);
    expect(second?.Config.Labels).toEqual({
      "kmsmark.binary-sha256": createHash("sha256").update("second").digest("hex"),
      "org.opencontainers.image.version": "v3.7.9001",
    });
    await expect((await engine()).getImage(first?.Id ?? "").inspect()).rejects.toSatisfy((thrown) => isHttpStatus(thrown, 404));
  });

  test("an image that the registry does not have is refused in the engine's words", async () => {
    await using place = await placeWithRegistry();
    const way = imagesWay({ ...place.job, overrides: { etcdImage: `${place.mirror}/nothing:v3.7.9001` } });
    await expect(way.get(etcd, place.folder)).rejects.toBeInstanceOf(WayFailed);
    await expect(way.get(etcd, place.folder)).rejects.toThrow(`the Docker engine could not pull ${place.mirror}/nothing:v3.7.9001: `);
  });

  test("an image without the binary is refused, and no container is left", async () => {
    await using place = await placeWithRegistry();
    const way = imagesWay({ ...place.job, overrides: { etcdImage: `${place.mirror}/kube-apiserver:v1.37.9001` } });
    await expect(way.get(etcd, place.folder)).rejects.toThrow(
      new WayFailed(`${place.mirror}/kube-apiserver:v1.37.9001 has no /usr/local/bin/etcd`),
    );
    const left = await (await engine()).listContainers({ all: true });
    expect(left.filter(({ Image }) => Image.startsWith(place.mirror))).toEqual([]);
  });

  test("an interruption ends a pull that hangs", async () => {
    await using place = await placeWithRegistry({ hang: true });
    const interruption = new AbortController();
    void place.asked.then(() => interruption.abort(new Interrupted()));
    await expect(install({ ...place.request, signal: interruption.signal })).rejects.toBeInstanceOf(Interrupted);
    expect((await readdir(place.request.cache)).filter((name) => !name.startsWith("lock-"))).toEqual([]);
  });
});

async function engine(): Promise<DockerApi> {
  const found = await dockerApi();
  if (!("api" in found)) throw new Error(found.reason);
  return found.api;
}

/** A way that gives every component the same content. */
function writing(content: string) {
  return () => ({
    source: () => content,
    get: async ({ name }: { name: string }, folder: string) => writeFile(join(folder, name), content),
  });
}

/** A registry on loopback (OCI distribution specification) with an image of each component whose only file is its binary. */
async function placeWithRegistry({ hang = false } = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), "kmsmark-install-"));
  const blobs = new Map<string, Buffer>();
  const put = (bytes: Buffer, mediaType: string) => {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    blobs.set(digest, bytes);
    return { mediaType, size: bytes.length, digest };
  };
  const manifests = new Map<string, Buffer>();
  for (const [name, tag] of [
    ["kube-apiserver", "v1.37.9001"],
    ["etcd", "3.7.9001-0"],
  ] as const) {
    const pack = tar.pack();
    pack.entry({ name: `usr/local/bin/${name}`, mode: 0o755 }, `${name} of a test`);
    pack.finalize();
    const layer = await buffer(Readable.from(pack));
    const diffId = `sha256:${createHash("sha256").update(layer).digest("hex")}`;
    const config = { architecture: architectureOf(process.arch), os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [diffId] } };
    const manifest = {
      schemaVersion: 2,
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      config: put(Buffer.from(JSON.stringify(config)), "application/vnd.docker.container.image.v1+json"),
      layers: [put(gzipSync(layer), "application/vnd.docker.image.rootfs.diff.tar.gzip")],
    };
    manifests.set(`/v2/${name}/manifests/${tag}`, Buffer.from(JSON.stringify(manifest)));
  }
  const asked = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    asked.resolve();
    if (hang) return;
    const path = request.url ?? "";
    const byDigest = /\/(?:blobs|manifests)\/(sha256:[0-9a-f]+)$/.exec(path)?.[1];
    const manifest =
      manifests.get(path) ?? manifests.values().find((bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}` === byDigest);
    const body = path === "/v2/" ? Buffer.from("{}") : (manifest ?? blobs.get(byDigest ?? ""));
    if (body === undefined) return void response.writeHead(404).end();
    const type = manifest === undefined ? "application/octet-stream" : "application/vnd.docker.distribution.manifest.v2+json";
    const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    response.writeHead(200, { "content-type": type, "content-length": body.length, "docker-content-digest": digest });
    response.end(request.method === "HEAD" ? undefined : body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The registry has no port.");
  const mirror = `127.0.0.1:${address.port}`;
  const job: Job = {
    overrides: { mirror },
    architecture: architectureOf(process.arch),
    environment: {},
    signal: new AbortController().signal,
    progress: () => {},
    clock: systemClock,
  };
  const cache = join(folder.path, "cache");
  const request: InstallRequest = { ...job, kubernetesVersion, etcdVersion, from: "images", cache };
  return {
    mirror,
    folder: folder.path,
    job,
    request,
    asked: asked.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
