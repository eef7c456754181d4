import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { annotate, fromGitHub, InputError, input, setOutput } from "./job.ts";
import { run } from "./program.ts";

/** Where this action's own files are: scripts/github-action/install.ts is three levels below. */
const checkout = join(import.meta.dirname, "../..");

interface Installed {
  readonly cli: string;
  /** The folder with the package.json. */
  readonly folder: string;
}

/** Installs the dependencies of the action's own checkout, or the published package of a version. */
async function install(): Promise<Installed> {
  const version = input("version");
  if (version === undefined) {
    // They are there where the repository tests its own action.
    if (!existsSync(join(checkout, "node_modules/yargs"))) {
      await need("npm", ["ci", "--omit=dev", "--no-audit", "--no-fund"], checkout);
    }
    return { cli: join(checkout, "harness/cli.ts"), folder: checkout };
  }
  // npm takes addresses and folders where a version stands, too.
  if (!/^[0-9A-Za-z][0-9A-Za-z.+-]{0,60}$/.test(version))
    throw new InputError("The input version takes a version or a tag, such as 0.1.0.");
  const prefix = join(fromGitHub("RUNNER_TEMP"), "kmsmark");
  await need("npm", ["install", "--no-audit", "--no-fund", "--prefix", prefix, `kmsmark@${version}`]);
  const folder = join(prefix, "node_modules/kmsmark");
  return { cli: join(folder, "dist/harness/cli.js"), folder };
}

async function need(program: string, words: readonly string[], folder?: string): Promise<void> {
  const code = await run(program, words, { folder });
  if (code !== 0) throw new InputError(`\`${program} ${words[0]}\` ended with ${code}; its output stands above.`);
}

/** Binaries of one kmsmark, of one kind of machine and of the wanted versions are the same ones. */
function cacheKey(folder: string): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const parts = [fromGitHub("RUNNER_OS"), fromGitHub("RUNNER_ARCH"), version, input("kubernetes") ?? "usual", input("etcd") ?? "usual"];
  return ["kmsmark", ...parts.map((part) => part.replaceAll(/[^\w.-]/g, "_"))].join("-");
}

try {
  const { cli, folder } = await install();
  setOutput("cli", cli);
  setOutput("cache", join(fromGitHub("RUNNER_TEMP"), "kmsmark-cache"));
  setOutput("cache-key", cacheKey(folder));
} catch (thrown) {
  if (!(thrown instanceof InputError)) throw thrown;
  annotate("error", thrown.message);
  process.exitCode = 2;
}
