import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import { messageOf } from "../../errors.ts";
import { Lease } from "../../lease.ts";
import { extractFile } from "./archive.ts";
import type { Manifest } from "./cache.ts";
import { type DockerApi, dockerApi, isHttpStatus, removeContainer } from "./docker-engine.ts";
import { parseEtcdVersion, parseKubernetesVersion } from "./versions.ts";
import { type Component, type Job, WayFailed, type WayToInstall } from "./way.ts";

/** In the official images and in those that kmsmark makes. */
const binariesFolder = "/usr/local/bin";
const sha256Label = "kmsmark.binary-sha256";
/** An engine that says nothing about a pull for so long has failed. */
const silenceMsMax = 30_000;

/**
 * The images of these versions that the Docker engine has now: those that {@link install} left there, else the official ones. In both the
 * binary is `/usr/local/bin/kube-apiserver` or `/usr/local/bin/etcd`. Set it as the entrypoint: the official kube-apiserver has another one.
 * Undefined where no engine answers or one of the two is missing.
 * @throws UsageError for a version that cannot be
 */
export async function findImages(of: {
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
}): Promise<{ kubeApiserver: string; etcd: string } | undefined> {
  const components = [
    { name: "kube-apiserver", version: parseKubernetesVersion(of.kubernetesVersion) },
    { name: "etcd", version: parseEtcdVersion(of.etcdVersion) },
  ] as const;
  const found = await dockerApi();
  if (!("api" in found)) return undefined;
  const [kubeApiserver, etcd] = await Promise.all(
    components.map(async (component) => {
      for (const image of [localImage(component), officialImage(component)]) if (await inspect(found.api, image)) return image;
      return undefined;
    }),
  );
  return kubeApiserver === undefined || etcd === undefined ? undefined : { kubeApiserver, etcd };
}

/** A name that nobody takes for the official image's, and that no registry answers to. */
export function localImage({ name, version }: Component): string {
  return `kmsmark.local/${name}:${version}`;
}

/** The Kubernetes project publishes etcd with a revision of the image after the version. */
function officialImage({ name, version }: Component, registry = "registry.k8s.io"): string {
  return `${registry}/${name}:${name === "etcd" ? `${version.slice(1)}-0` : version}`;
}

/** The images that are there or can be pulled; the binary is copied out of them, so that the processes target has it too. */
export function imagesWay({ overrides, progress, clock, signal }: Job): WayToInstall {
  const source = (component: Component) =>
    (component.name === "etcd" ? overrides.etcdImage : overrides.kubeApiserverImage) ?? officialImage(component, overrides.mirror);

  const pull = async (api: DockerApi, image: string): Promise<void> => {
    const silence = new AbortController();
    const startTimer = () => clock.startTimer(silenceMsMax, () => silence.abort());
    let timer = startTimer();
    try {
      const layers = new Map<string, { current: number; total: number }>();
      const stream = await api.pull(image, { abortSignal: AbortSignal.any([signal, silence.signal]) });
      await followed(api, stream, (event) => {
        timer[Symbol.dispose]();
        timer = startTimer();
        const { id, progressDetail: { current, total } = {} } = event;
        if (id === undefined || current === undefined || total === undefined) return;
        layers.set(id, { current, total });
        const sum = (key: "current" | "total") => layers.values().reduce((bytes, layer) => bytes + layer[key], 0);
        progress({ kind: "amount", done: sum("current"), total: sum("total"), unit: "bytes" });
      });
    } catch (thrown) {
      signal.throwIfAborted();
      if (silence.signal.aborted) throw new WayFailed(`the Docker engine got nothing of ${image} for ${silenceMsMax / 1000} s`);
      // "(HTTP code 500) server error - " is the client's; what follows is the engine's.
      const said = messageOf(thrown).replace(/^\(HTTP code \d+\) [^-]*- /, "");
      throw new WayFailed(`the Docker engine could not pull ${image}: ${said.trim()}`);
    } finally {
      timer[Symbol.dispose]();
    }
  };

  return {
    source,
    async get(component, folder) {
      const found = await dockerApi();
      if (!("api" in found)) throw new WayFailed(found.reason);
      const image = source(component);
      if (!(await inspect(found.api, image))) {
        progress({ kind: "step", text: `pulling ${image}`, usually: "half a minute" });
        await pull(found.api, image);
      }
      progress({ kind: "step", text: `copying ${component.name} out of ${image}` });
      await copyOut(found.api, image, component, folder);
    },
  };
}

async function copyOut(api: DockerApi, image: string, { name }: Component, folder: string): Promise<void> {
  const container = `kmsmark-install-${randomBytes(4).toString("hex")}`;
  await using lease = Lease.take("install", removeContainer);
  lease.addContainer(container);
  // It is never started: an engine hands out files of containers only.
  const created = await api.createContainer({ name: container, Image: image, Cmd: [name] });
  try {
    const archive = await created.getArchive({ path: `${binariesFolder}/${name}` });
    if (!(await extractFile(name, join(folder, `${name}.part`), Readable.from(archive)))) throw new WayFailed(`${image} has no ${name}`);
  } catch (thrown) {
    if (!isHttpStatus(thrown, 404)) throw thrown;
    throw new WayFailed(`${image} has no ${binariesFolder}/${name}`);
  }
  await rename(join(folder, `${name}.part`), join(folder, name));
}

/**
 * Sees to it that the engine has, under {@link localImage}, an image with the cached binary and nothing else, or the image that the binary
 * was copied out of.
 */
export async function provideImage(
  api: DockerApi,
  component: Component,
  binary: string,
  { way, source, sha256 }: Manifest,
  { progress, signal }: Pick<Job, "progress" | "signal">,
): Promise<void> {
  const local = await inspect(api, localImage(component));
  if (local?.labels[sha256Label] === sha256) return;
  const pulled = way === "images" ? await inspect(api, source) : undefined;
  const [repo, tag] = [`kmsmark.local/${component.name}`, component.version];
  if (pulled !== undefined) {
    if (local?.id === pulled.id) return;
    await api.getImage(source).tag({ repo, tag });
    return removeNameless(api, local?.id);
  }
  progress({ kind: "step", text: `making the image ${localImage(component)}`, usually: "5 s" });
  const changes = [
    `ENTRYPOINT ["${binariesFolder}/${component.name}"]`,
    `LABEL ${sha256Label}=${sha256}`,
    `LABEL org.opencontainers.image.version=${component.version}`,
  ];
  const archive = tar.pack();
  const [stream] = await Promise.all([
    api.importImage(Readable.from(archive), { repo, tag, changes, abortSignal: signal }),
    pack(archive, component, binary),
  ]);
  await followed(api, stream, () => {});
  await removeNameless(api, local?.id);
}

/** Removes an image that has just lost its name to another, unless it has a further one or a container needs it. */
async function removeNameless(api: DockerApi, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  try {
    const { RepoTags } = await api.getImage(id).inspect();
    if ((RepoTags ?? []).length === 0) await api.getImage(id).remove();
  } catch (thrown) {
    if (!isHttpStatus(thrown, 404) && !isHttpStatus(thrown, 409)) throw thrown;
  }
}

/** The file system of an image: the binary, and a folder for the certificates and sockets that kube-apiserver and etcd may write. */
async function pack(archive: tar.Pack, { name }: Component, binary: string): Promise<void> {
  archive.entry({ name: "tmp/", type: "directory", mode: 0o1777 });
  for (const folder of ["usr/", "usr/local/", "usr/local/bin/"]) archive.entry({ name: folder, type: "directory", mode: 0o755 });
  const { size } = await stat(binary);
  const entry = archive.entry({ name: `${binariesFolder.slice(1)}/${name}`, size, mode: 0o755 });
  await pipeline(createReadStream(binary, { highWaterMark: 2 ** 20 }), entry);
  archive.finalize();
}

/** One line of the engine's progress (Engine API, /images/create). */
interface EngineEvent {
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** Resolves when the engine has ended its work; rejects with what it says went wrong. */
function followed(api: DockerApi, stream: NodeJS.ReadableStream, onEvent: (event: EngineEvent) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    api.modem.followProgress(stream, (thrown: unknown) => (thrown ? reject(thrown) : resolve()), onEvent);
  });
}

async function inspect(api: DockerApi, image: string): Promise<{ id: string; labels: Record<string, string> } | undefined> {
  try {
    const { Id, Config } = await api.getImage(image).inspect();
    return { id: Id, labels: Config.Labels ?? {} };
  } catch (thrown) {
    if (isHttpStatus(thrown, 404)) return undefined;
    throw thrown;
  }
}
