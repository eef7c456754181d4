import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe } from "vitest";
import { cacheFolder, defaultVersions, dockerEngine, findBinaries, findImages } from "./install/index.ts";

/** What a test may need to have for real: control planes, and a browser. */
export type RealKind = "processes" | "containers" | "chromium";

/**
 * A `describe` of tests that need a real control plane or browser. Where it cannot be had they are skipped and the title says why; under
 * `KMSMARK_REQUIRE_REAL=1` that is a failure. Await it at the top level of a `.real.test.ts` file.
 */
export async function describeReal(kind: RealKind, title: string, tests: () => void): Promise<void> {
  const lack = await lackOf(kind);
  if (lack === undefined) describe(title, tests);
  else if (process.env["KMSMARK_REQUIRE_REAL"] === "1") throw new Error(`"${title}" must run here and cannot: ${lack}`);
  else describe.skip(`${title} (skipped: ${lack})`, tests);
}

/** Which kinds of real tests this machine can run; `lack` is the sentence that says why not. */
export function realKinds(): Promise<{ name: RealKind; lack: string | undefined }[]> {
  const names: readonly RealKind[] = ["processes", "containers", "chromium"];
  return Promise.all(names.map(async (name) => ({ name, lack: await lackOf(name) })));
}

async function lackOf(kind: RealKind): Promise<string | undefined> {
  if (kind === "chromium") {
    const found = await findChromium();
    return found === undefined ? "there is no Chromium on the PATH; the variable CHROMIUM may name one." : undefined;
  }
  if (kind === "processes") {
    const binaries = await findBinaries({ ...defaultVersions, cache: cacheFolder(process.env) });
    return binaries === undefined ? "kube-apiserver and etcd are not installed; `kmsmark install` gets them." : undefined;
  }
  const engine = await dockerEngine();
  if (!engine.answers) return engine.reason;
  const images = await findImages(defaultVersions);
  return images === undefined ? "the images of kube-apiserver and etcd are not there; `kmsmark install` gets them." : undefined;
}

/** The Chromium of this machine: the one that CHROMIUM names, or the first on the PATH. */
export async function findChromium(): Promise<string | undefined> {
  const named = process.env["CHROMIUM"];
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const programs = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const candidates = named === undefined ? folders.flatMap((folder) => programs.map((program) => join(folder, program))) : [named];
  for (const candidate of candidates) {
    const runs = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return candidate;
  }
  return undefined;
}
