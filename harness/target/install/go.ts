import { spawn } from "node:child_process";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { InstallError, systemCodeOf } from "../../errors.ts";
import { goModSchema, goRecipe, moduleOf } from "./go-recipe.ts";
import { type Job, WayFailed, type WayToInstall } from "./way.ts";

/** Between the request to end and the order to. */
const endMsMax = 5_000;

/** Builds the components from their published Go modules with the `go` on the PATH, as the user's GOPROXY, GOFLAGS and caches have it. */
export function goWay(job: Job): WayToInstall {
  return {
    source: (component) => `${moduleOf(component)}@${component.version}`,
    async get(component, folder) {
      const { progress } = job;
      const what = `${component.name} ${component.version}`;
      const environment = await goEnvironment(job, folder);
      const go = (args: readonly string[], cwd: string, onLine: (line: string) => void = () => {}) =>
        runGo(args, { what, cwd, environment, job, onLine });

      const build = join(folder, "build");
      await mkdir(build);
      progress({ kind: "step", text: `downloading the Go modules of ${what}`, usually: component.name === "etcd" ? "10 s" : "a minute" });
      const { GoMod } = z
        .object({ GoMod: z.string() })
        .parse(JSON.parse(await go(["mod", "download", "-json", `${moduleOf(component)}@${component.version}`], build)));
      const recipe = goRecipe(component, goModSchema.parse(JSON.parse(await go(["mod", "edit", "-json", GoMod], build))));
      for (const [name, content] of Object.entries(recipe.files)) await writeFile(join(build, name), content);

      let modules = 0;
      // -mod=mod completes go.mod with what these packages import and no more. `go mod tidy` would also want what their tests import, and
      // some of that is not to be had any more.
      const packages = await go(["list", "-mod=mod", "-deps", "."], build, (line) => {
        if (line.startsWith("go: downloading")) progress({ kind: "amount", done: ++modules, total: undefined, unit: "modules" });
      });

      progress({
        kind: "step",
        text: `compiling ${what}`,
        usually: component.name === "etcd" ? "20 s on 2 cores" : "4 minutes on 2 cores, 15 s when Go has built it before",
      });
      const total = packages.trim().split("\n").length;
      let compiled = 0;
      // With -v go names each package that it compiles. That is the progress, and it ends go, whose pipe breaks, when kmsmark is killed.
      const flags = ["-v", "-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", recipe.ldflags];
      await go(["build", ...flags, "-o", "built", "."], build, (line) => {
        if (/^[\w./-]+$/.test(line)) progress({ kind: "amount", done: ++compiled, total, unit: "packages" });
      });
      await rename(join(build, "built"), join(folder, component.name));
    },
  };
}

type Environment = Record<string, string | undefined>;

async function goEnvironment({ environment, architecture }: Job, folder: string): Promise<Environment> {
  const temporary = join(folder, "go-tmp");
  await mkdir(temporary);
  const homeless = !environment["HOME"];
  return {
    ...environment,
    // Without a home, go has no place for its caches. What go writes there is to be removable.
    ...(homeless && !environment["GOCACHE"] && !environment["XDG_CACHE_HOME"] ? { GOCACHE: join(folder, "go-build") } : {}),
    ...(homeless && !environment["GOPATH"]
      ? { GOPATH: join(folder, "go"), GOFLAGS: `${environment["GOFLAGS"] ?? ""} -modcacherw`.trim() }
      : {}),
    GOTMPDIR: temporary,
    // Static, because it also has to run in an image that holds nothing else.
    CGO_ENABLED: "0",
    GOOS: "linux",
    GOARCH: architecture,
    GO111MODULE: "on",
    GOWORK: "off",
    // Another toolchain would be 200 MB more that nobody asked for.
    GOTOOLCHAIN: "local",
  };
}

/** What go wrote to its standard output. Everything that it started has ended when this settles. */
async function runGo(
  args: readonly string[],
  {
    what,
    cwd,
    environment,
    job: { signal, clock },
    onLine,
  }: { what: string; cwd: string; environment: Environment; job: Job; onLine: (line: string) => void },
): Promise<string> {
  signal.throwIfAborted();
  // In a process group of its own: go starts compilers, and all of them have to end.
  const child = spawn("go", args, { cwd, env: environment, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const end = (how: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, how);
    } catch (thrown) {
      if (systemCodeOf(thrown) !== "ESRCH") throw thrown;
    }
  };
  const disposals = new DisposableStack();
  const onAbort = () => {
    end("SIGTERM");
    disposals.use(clock.startTimer(endMsMax, () => end("SIGKILL")));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  disposals.defer(() => signal.removeEventListener("abort", onAbort));
  using _ = disposals;

  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    onLine(line);
  });
  let output: string;
  try {
    const [code, written] = await Promise.all([ended, text(child.stdout)]);
    signal.throwIfAborted();
    if (code === 0) return written;
    output = written;
  } catch (thrown) {
    signal.throwIfAborted();
    if (systemCodeOf(thrown) === "ENOENT") throw new WayFailed("there is no `go` on the PATH");
    if (systemCodeOf(thrown) === "EACCES") throw new WayFailed("the `go` on the PATH may not be run");
    throw thrown;
  }
  // With -json, go writes what went wrong where it would have written the answer.
  const { Error: refusal } = args.includes("-json")
    ? z.object({ Error: z.string() }).catch({ Error: "" }).parse(parsed(output))
    : { Error: "" };
  throw explain([...lines, ...refusal.split("\n")], args, what);
}

function parsed(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}

function explain(lines: readonly string[], args: readonly string[], what: string): Error {
  const said = lines.join("\n");
  if (/no space left on device|disk quota exceeded/.test(said)) {
    return new InstallError("disk-full", `The disk became full while go built ${what}, which needs about 4 GB for Go's caches.`, {
      hint: "Make room, or set GOCACHE and GOMODCACHE to folders on another disk.",
    });
  }
  const [, needed, running] = /requires go >= (\S+) \(running go (\S+);/.exec(said) ?? [];
  if (needed !== undefined) return new WayFailed(`${what} needs go ${needed} or later, and the go on the PATH is ${running}`);
  const last = lines.filter((line) => line.trim() !== "" && !line.startsWith("go: downloading")).slice(-3);
  return new WayFailed(`\`go ${args.slice(0, 2).join(" ")}\` failed: ${last.map((line) => line.trim()).join(" ")}`);
}
