import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdtempDisposable, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { makeFolder } from "../../make-folder.ts";
import { parseEtcdVersion, parseKubernetesVersion } from "./versions.ts";
import { type Architecture, architectureOf, type Component, componentNames, ways } from "./way.ts";

/** Lies beside a binary and says how it was come by. */
const manifestSchema = z.strictObject({
  format: z.literal(1),
  component: z.enum(componentNames),
  version: z.string(),
  way: z.enum(ways),
  /** An image's name, a URL or a Go module. */
  source: z.string(),
  sizeBytes: z.number().int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Manifest = z.infer<typeof manifestSchema>;

const manifestName = "manifest.json";
const unfinished = "unfinished-";

/** Where binaries are kept, as an absolute path: KMSMARK_CACHE, else `kmsmark` in XDG_CACHE_HOME, else `~/.cache/kmsmark`. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  // A component is started in a folder of its own, from where a relative path would lead elsewhere.
  if (environment["KMSMARK_CACHE"]) return resolve(environment["KMSMARK_CACHE"]);
  return resolve(environment["XDG_CACHE_HOME"] || join(environment["HOME"] || homedir(), ".cache"), "kmsmark");
}

/**
 * The binaries of these versions that lie in the cache; undefined unless both are there and this machine can run them. Looks at their size
 * only: it is {@link install} that verifies what is cached.
 * @throws UsageError for a version that cannot be
 */
export async function findBinaries(of: {
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  readonly cache: string;
}): Promise<{ kubeApiserver: string; etcd: string } | undefined> {
  const kubeApiserver: Component = { name: "kube-apiserver", version: parseKubernetesVersion(of.kubernetesVersion) };
  const etcd: Component = { name: "etcd", version: parseEtcdVersion(of.etcdVersion) };
  if (process.platform !== "linux") return undefined;
  const cache = new BinaryCache(of.cache, architectureOf(process.arch));
  if ((await cache.find(kubeApiserver)) === undefined || (await cache.find(etcd)) === undefined) return undefined;
  return { kubeApiserver: cache.pathOf(kubeApiserver), etcd: cache.pathOf(etcd) };
}

/** The cache folder: one folder a binary, which appears in it whole or not at all. */
export class BinaryCache {
  readonly folder: string;
  readonly #architecture: Architecture;

  constructor(folder: string, architecture: Architecture) {
    this.folder = folder;
    this.#architecture = architecture;
  }

  /** Where a component's binary is, or would be. */
  pathOf(component: Component): string {
    return join(this.#folderOf(component), component.name);
  }

  /** The manifest of a cached binary that has the size it should have. */
  async find(component: Component): Promise<Manifest | undefined> {
    try {
      const manifest = manifestSchema.parse(JSON.parse(await readFile(join(this.#folderOf(component), manifestName), "utf8")));
      const { size } = await stat(this.pathOf(component));
      return size === manifest.sizeBytes ? manifest : undefined;
    } catch {
      return undefined;
    }
  }

  /** As {@link find}, and the binary has the SHA-256 it should have. */
  async verify(component: Component): Promise<Manifest | undefined> {
    const manifest = await this.find(component);
    if (manifest === undefined) return undefined;
    return (await sha256Of(this.pathOf(component))) === manifest.sha256 ? manifest : undefined;
  }

  async create(): Promise<void> {
    await makeFolder(this.folder);
  }

  /** A new folder for what is not finished; gone when disposed of, and swept by {@link sweep} after a kill. */
  makeUnfinished(): Promise<{ readonly path: string } & AsyncDisposable> {
    return mkdtempDisposable(join(this.folder, unfinished));
  }

  /** Moves `folder/<component's name>` into the cache in one step, in place of what was there. */
  async keep(component: Component, folder: string, origin: Pick<Manifest, "way" | "source">): Promise<Manifest> {
    const binary = join(folder, component.name);
    await chmod(binary, 0o755);
    const { size } = await stat(binary);
    const manifest: Manifest = {
      format: 1,
      component: component.name,
      version: component.version,
      ...origin,
      sizeBytes: size,
      sha256: await sha256Of(binary),
    };
    await using complete = await this.makeUnfinished();
    await chmod(complete.path, 0o755);
    await rename(binary, join(complete.path, component.name));
    await writeFile(join(complete.path, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(this.#folderOf(component), { recursive: true, force: true });
    await rename(complete.path, this.#folderOf(component));
    return manifest;
  }

  /** Removes what killed installations left. Only for the holder of the cache's lock: what is unfinished then belongs to nobody. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (name.startsWith(unfinished)) await rm(join(this.folder, name), { recursive: true, force: true });
    }
  }

  #folderOf({ name, version }: Component): string {
    return join(this.folder, `${name}-${version}-linux-${this.#architecture}`);
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest("hex");
}
