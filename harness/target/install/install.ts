import { InstallError, messageOf, systemCodeOf } from "../../errors.ts";
import { BinaryCache, type Manifest } from "./cache.ts";
import { dockerApi } from "./docker-engine.ts";
import { goWay } from "./go.ts";
import { imagesWay, localImage, provideImage } from "./images.ts";
import { takeLock } from "./lock.ts";
import { releaseWay } from "./release.ts";
import { parseEtcdVersion, parseKubernetesVersion } from "./versions.ts";
import { architectureOf, type Component, type Job, type Way, WayFailed, type WayToInstall, ways } from "./way.ts";

/** What to install, from where, and to where. */
export interface InstallRequest extends Omit<Job, "architecture"> {
  /** `v1.37.2` or `1.37.2`. */
  readonly kubernetesVersion: string;
  /** `v3.7.3` or `3.7.3`. */
  readonly etcdVersion: string;
  /** One way, or `auto`: the first that works. */
  readonly from: "auto" | Way;
  /** See {@link cacheFolder}. */
  readonly cache: string;
}

/** Where everything is now. */
export interface Installed {
  /** With the leading `v`, as the etcd's. */
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  /** Paths of static Linux binaries. */
  readonly binaries: { readonly kubeApiserver: string; readonly etcd: string };
  /** What the binaries were got from: an image, a URL or a Go module. */
  readonly sources: { readonly kubeApiserver: string; readonly etcd: string };
  /** Names of images in the local engine; undefined where {@link withoutImages} says why. */
  readonly images: { readonly kubeApiserver: string; readonly etcd: string } | undefined;
  /** Why there are no images, as a sentence without its full stop. */
  readonly withoutImages: string | undefined;
}

/** What installing touches of the world; tests hand in their own. */
export interface InstallParts {
  readonly ways: Readonly<Record<Way, (job: Job) => WayToInstall>>;
  readonly dockerApi: typeof dockerApi;
}

const systemParts: InstallParts = { ways: { images: imagesWay, release: releaseWay, go: goWay }, dockerApi };

/**
 * Sees to it that the binaries are in the cache and, where a Docker engine answers, that it has their images. What is cached is verified
 * and kept, unless one way or another place was asked for and it is not from there.
 * @throws UsageError for a version that cannot be; InstallError `install-failed` with the reason of each way that was tried,
 *   `cache-unwritable`, `disk-full`, `unsupported-architecture`; the signal's reason
 */
export async function install(request: InstallRequest, parts: InstallParts = systemParts): Promise<Installed> {
  const kubeApiserver: Component = { name: "kube-apiserver", version: parseKubernetesVersion(request.kubernetesVersion) };
  const etcd: Component = { name: "etcd", version: parseEtcdVersion(request.etcdVersion) };
  const job: Job = { ...request, architecture: architectureOf(process.arch) };
  const candidates = (request.from === "auto" ? ways : [request.from]).map((name) => ({ name, way: parts.ways[name](job) }));
  const cache = new BinaryCache(request.cache, job.architecture);
  try {
    const have = await binariesOf([kubeApiserver, etcd], candidates, cache, request);
    const images = await imagesOf([kubeApiserver, etcd], have, cache, request, parts);
    return {
      kubernetesVersion: kubeApiserver.version,
      etcdVersion: etcd.version,
      binaries: { kubeApiserver: cache.pathOf(kubeApiserver), etcd: cache.pathOf(etcd) },
      sources: { kubeApiserver: have(kubeApiserver).source, etcd: have(etcd).source },
      ...(images.refusal === undefined
        ? { images: { kubeApiserver: localImage(kubeApiserver), etcd: localImage(etcd) }, withoutImages: undefined }
        : { images: undefined, withoutImages: images.refusal }),
    };
  } catch (thrown) {
    request.signal.throwIfAborted();
    throw diskFault(thrown, request.cache) ?? thrown;
  }
}

type Candidate = { readonly name: Way; readonly way: WayToInstall };
type Have = (component: Component) => Manifest;

async function binariesOf(
  components: readonly Component[],
  candidates: readonly Candidate[],
  cache: BinaryCache,
  request: InstallRequest,
): Promise<Have> {
  const anySource = request.from === "auto" && Object.values(request.overrides).every((override) => override === undefined);
  const manifests = new Map<Component, Manifest>();
  const missing = () => components.filter((component) => !manifests.has(component));
  const lookUp = async () => {
    for (const component of missing()) {
      const manifest = await cache.verify(component);
      const wanted = ({ name, way }: Candidate) => name === manifest?.way && way.source(component) === manifest.source;
      if (manifest !== undefined && (anySource || candidates.some(wanted))) manifests.set(component, manifest);
    }
  };
  const have: Have = (component) => {
    const manifest = manifests.get(component);
    if (manifest === undefined) throw new Error(`${component.name} should have been installed`);
    return manifest;
  };

  await lookUp();
  if (missing().length === 0) return have;
  await cache.create();
  const { clock, signal, progress } = request;
  await using _lock = await takeLock(cache.folder, { clock, signal, onWait: (ownerPid) => progress({ kind: "waiting", ownerPid }) });
  await cache.sweep();
  await lookUp();

  const reasons: string[] = [];
  for (const [index, { name, way }] of candidates.entries()) {
    try {
      for (const component of missing()) {
        signal.throwIfAborted();
        await using unfinished = await cache.makeUnfinished();
        await way.get(component, unfinished.path);
        manifests.set(component, await cache.keep(component, unfinished.path, { way: name, source: way.source(component) }));
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (!(thrown instanceof WayFailed)) throw thrown;
      if (index < candidates.length - 1) progress({ kind: "refused", way: name, reason: thrown.message });
      reasons.push(`${name} (${thrown.message})`);
    }
    if (missing().length === 0) return have;
  }
  const wanted = missing().map(({ name, version }) => `${name} ${version}`);
  throw new InstallError("install-failed", `${wanted.join(" and ")} could not be had from ${reasons.join(", nor from ")}.`, {
    hint: "Name a mirror with --mirror, --kubernetes-url and --etcd-url, or have Go installed; `--target embedded` needs nothing installed.",
  });
}

/** Makes the images; that this cannot be done is no fault, because the binaries are enough for the processes target. */
async function imagesOf(
  components: readonly Component[],
  have: Have,
  cache: BinaryCache,
  request: InstallRequest,
  parts: InstallParts,
): Promise<{ readonly refusal: string | undefined }> {
  const found = await parts.dockerApi();
  if (!("api" in found)) return { refusal: found.reason };
  try {
    for (const component of components) await provideImage(found.api, component, cache.pathOf(component), have(component), request);
    return { refusal: undefined };
  } catch (thrown) {
    request.signal.throwIfAborted();
    return { refusal: `the Docker engine could not make them: ${messageOf(thrown).trim()}` };
  }
}

function diskFault(thrown: unknown, folder: string): InstallError | undefined {
  switch (systemCodeOf(thrown)) {
    case "ENOSPC":
    case "EDQUOT":
      return new InstallError("disk-full", `The disk of ${folder} is full.`, {
        hint: "Make room, or set KMSMARK_CACHE to a folder on another disk.",
        cause: thrown,
      });
    case "ENOENT":
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ENOTDIR":
    case "EEXIST":
      return new InstallError("cache-unwritable", `The folder ${folder} cannot be written to (${messageOf(thrown)}).`, {
        hint: "Set KMSMARK_CACHE to a folder that can.",
        cause: thrown,
      });
    default:
      return undefined;
  }
}
