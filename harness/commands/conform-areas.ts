import { readKeyFile, rotateKeyFile } from "../../plugins/local-key-file.ts";
import { secretsOf } from "../../plugins/provider-choice.ts";
import { openApiserver } from "../../suites/conformance/apiserver-subject.ts";
import type { Check, SubjectBase } from "../../suites/conformance/check.ts";
import { openConfig } from "../../suites/conformance/config-subject.ts";
import { openEtcdValues } from "../../suites/conformance/envelope-etcd.ts";
import { openFolderValues } from "../../suites/conformance/envelope-folder.ts";
import { openOwnPlane } from "../../suites/conformance/envelope-own-plane.ts";
import type { EnvelopeSubject } from "../../suites/conformance/envelope-subject.ts";
import { apiserverChecks, configChecks, envelopeChecks, pluginChecks, securityChecks } from "../../suites/conformance/index.ts";
import { openPlugin, type PluginSubject } from "../../suites/conformance/plugin-subject.ts";
import { type RunChecksOptions, runChecks } from "../../suites/conformance/run-checks.ts";
import { openSecurity } from "../../suites/conformance/security-plane.ts";
import type { SecuritySubject } from "../../suites/conformance/security-subject.ts";
import type { Clock } from "../clock.ts";
import type { Lease } from "../lease.ts";
import { startPluginProcess } from "../plugin-process.ts";
import type { Random } from "../random.ts";
import type { CheckArea } from "../run/schema.ts";
import type { Target } from "../target/target.ts";
import { runHook } from "./conform-hook.ts";
import type { ConformOptions } from "./conform-options.ts";

/** What the suites of checks are opened with; none of it is theirs. */
export interface ConformWorld {
  readonly options: ConformOptions;
  /** The run folder. */
  readonly folder: string;
  /** Told, in a sentence, what else goes on than checks. */
  say(line: string): void;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** The control plane's kind that was chosen; undefined where no suite needs one. */
  readonly target: Target | undefined;
}

/** A suite of checks, and how it comes to its subject. */
export interface Area {
  readonly checks: readonly Omit<Check<never>, "run">[];
  /** Whether it starts control planes of its own. */
  needsTarget(options: ConformOptions): boolean;
  /** Opens the subject and runs those of the checks whose ids are given. */
  run(ids: ReadonlySet<string>, world: ConformWorld, how: Omit<RunChecksOptions, "concurrency">): Promise<void>;
}

/** Checks that run beside each other: those of one lane at most so many at once, the lanes side by side. */
interface Lane<Subject> {
  readonly concurrency: number;
  takes(check: Check<Subject>): boolean;
}

function area<Subject extends SubjectBase>(
  checks: readonly Check<Subject>[],
  open: (world: ConformWorld) => Promise<Subject & (AsyncDisposable | Disposable)>,
  {
    needsTarget = () => false,
    lanes = [{ concurrency: 1, takes: () => true }],
  }: { needsTarget?: Area["needsTarget"]; lanes?: readonly Lane<Subject>[] } = {},
): Area {
  return {
    checks,
    needsTarget,
    async run(ids, world, how) {
      const wanted = checks.filter(({ id }) => ids.has(id)).sort((a, b) => (b.waitMsMax ?? 0) - (a.waitMsMax ?? 0));
      await using subject = await open(world);
      await Promise.all(lanes.map(({ concurrency, takes }) => runChecks(wanted.filter(takes), subject, { ...how, concurrency })));
    },
  };
}

/** All suites, by name. */
export const areas: Readonly<Record<CheckArea, Area>> = {
  plugin: area(pluginChecks, openAnyPlugin),
  // Those that ask at the same moment share one reading of the values.
  envelope: area(envelopeChecks, openValues, { needsTarget: startsOwnPlane, lanes: [{ concurrency: 64, takes: () => true }] }),
  security: area(securityChecks, openOwnSecurity, { needsTarget: () => true }),
  config: area(configChecks, async ({ options: { path, secrets } }) => openConfig({ path: path ?? "", secrets })),
  apiserver: area(apiserverChecks, async (world) => openApiserver({ ...world, ...world.options, target: targetOf(world) }), {
    needsTarget: () => true,
    // Those that wait for a clock cost nothing while they wait; the others share two cores.
    lanes: [
      { concurrency: 24, takes: ({ needs }) => needs.includes("clock") },
      { concurrency: 4, takes: ({ needs }) => !needs.includes("clock") },
    ],
  }),
};

function targetOf({ target }: ConformWorld): Target {
  if (target === undefined) throw new Error("A suite that starts control planes did not say so.");
  return target;
}

/** Values that lie somewhere are only read; where none are named, a control plane of its own writes some. */
function startsOwnPlane({ etcd, path }: ConformOptions): boolean {
  return etcd === undefined && path === undefined;
}

function openValues(world: ConformWorld): Promise<EnvelopeSubject & AsyncDisposable> {
  const { options, ...surroundings } = world;
  if (options.etcd !== undefined) return openEtcdValues({ ...options, ...surroundings, ...options.etcd });
  if (options.path !== undefined) return openFolderValues(options.path, { ...options, ...surroundings });
  return openOwnPlane({ ...options, ...surroundings, target: targetOf(world), pluginSocket: options.socket });
}

function openOwnSecurity(world: ConformWorld): Promise<SecuritySubject & AsyncDisposable> {
  const { options, folder, say, ...surroundings } = world;
  const plane = { target: targetOf(world), pluginSocket: options.socket };
  const pluginKeys = (keyFile: string | undefined) =>
    keyFile === undefined ? Promise.resolve(secretsOf(options.bundledProvider.name, process.env)) : keysOf(keyFile);
  return openSecurity({ ...options, ...surroundings, ...plane, ownRunFolder: folder, pluginKeys, say });
}

async function keysOf(keyFile: string): Promise<Map<string, Uint8Array>> {
  const { keys } = await readKeyFile(keyFile);
  return new Map(keys.map(({ id, secret }) => [`the plugin's key ${id}`, Buffer.from(secret, "base64")]));
}

/** Somebody's plugin, or the bundled one where none is named. */
async function openAnyPlugin(world: ConformWorld): Promise<PluginSubject & AsyncDisposable> {
  const { options, clock, random, signal, lease } = world;
  await using held = new AsyncDisposableStack();
  const versions = options.kms === undefined ? undefined : [options.kms];
  const hook = (option: string, command: string | undefined) =>
    command === undefined ? undefined : () => runHook(command, { option, lease, clock, signal });
  const found =
    options.socket === undefined
      ? held.use(await startBundled(world, hook("--rotate-command", options.rotateCommand)))
      : {
          socket: options.socket,
          rotate: hook("--rotate-command", options.rotateCommand),
          restart: hook("--restart-command", options.restartCommand),
        };
  const subject = held.use(await openPlugin({ ...found, versions, clock, random, signal }));
  const all = held.move();
  return { ...subject, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** @param rotateElsewhere - what rotates a key that lies in a KMS */
async function startBundled(world: ConformWorld, rotateElsewhere: (() => Promise<void>) | undefined) {
  const start = () => startPluginProcess({ ...world, provider: world.options.bundledProvider });
  let plugin = await start();
  const { keyFile } = plugin;
  return {
    socket: plugin.socket,
    rotate: keyFile === undefined ? rotateElsewhere : async () => void (await rotateKeyFile(keyFile, world.clock)),
    async restart() {
      await plugin[Symbol.asyncDispose]();
      plugin = await start();
    },
    [Symbol.asyncDispose]: () => plugin[Symbol.asyncDispose](),
  };
}
