import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtempDisposable, rename } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeFolder } from "../../../../harness/make-folder.ts";

const run = promisify(execFile);
const requirements = fileURLToPath(new URL("./python/requirements.txt", import.meta.url));
const scenario = fileURLToPath(new URL("./python/scenario.py", import.meta.url));

/** Why the SDKs cannot be installed here, as a sentence; undefined where they can, if PyPI is to be had. */
export async function pythonLack(): Promise<string | undefined> {
  try {
    await run("python3", ["-c", "import ensurepip, venv"]);
    return undefined;
  } catch (thrown) {
    const isAbsent = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    return isAbsent ? "there is no `python3` on the PATH." : "the `python3` on the PATH can make no virtual environment.";
  }
}

/**
 * A Python with the vendor's SDKs, from the cache or by pip; the program's path. It takes most of a minute the first time. The environment
 * appears in the cache whole or not at all.
 */
export async function installPythonSdks(cache: string): Promise<string> {
  const { stdout: version } = await run("python3", ["-c", "import sys; print(sys.version, sys.prefix)"]);
  const mark = createHash("sha256").update(version).update(readFileSync(requirements)).digest("hex").slice(0, 16);
  const parent = join(cache, "python-sdks");
  const folder = join(parent, mark);
  const python = join(folder, "bin", "python");
  if (existsSync(python)) return python;
  await makeFolder(parent);
  await using unfinished = await mkdtempDisposable(join(parent, "unfinished-"));
  const made = join(unfinished.path, "made");
  await run("python3", ["-m", "venv", made]);
  await run(join(made, "bin", "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  // Another test run may have been faster.
  await rename(made, folder).catch((thrown: unknown) => {
    if (!existsSync(python)) throw thrown;
  });
  return python;
}

/** Runs the scenario; credentials go through its standard input. */
export async function runScenario(python: string, given: object): Promise<unknown> {
  const child = spawn(python, ["-I", scenario], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(JSON.stringify(given));
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (code !== 0) throw new Error(`The Python SDKs ended with ${code}: ${stderr.trim().split("\n").at(-1)}`);
  return JSON.parse(stdout);
}
