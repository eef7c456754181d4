import { randomBytes } from "node:crypto";
import { UsageError } from "../errors.ts";
import type { KmsVersion } from "../kms/contract.ts";
import { socketPathOf } from "../kms/socket.ts";
import { type BundledProvider, localProvider } from "../plugin-process.ts";
import { type CheckArea, checkAreas } from "../run/schema.ts";
import type { EtcdSettings } from "../target/etcd-access.ts";
import { parseEtcdVersion, parseKubernetesVersion } from "../target/install/index.ts";

/** The words of the command line that decide what is checked. */
export interface ConformWords {
  readonly suite: readonly string[];
  readonly socket: string | undefined;
  readonly kms: KmsVersion | undefined;
  readonly "rotate-command": string | undefined;
  readonly "restart-command": string | undefined;
  readonly kubernetes: string;
  readonly "etcd-version": string;
  readonly etcd: string | undefined;
  readonly "etcd-cacert": string | undefined;
  readonly "etcd-cert": string | undefined;
  readonly "etcd-key": string | undefined;
  readonly "etcd-prefix": string;
  readonly "encryption-config": string | undefined;
  readonly writes: number;
  readonly run: string | undefined;
  readonly secrets: number | undefined;
  readonly seed: string | undefined;
}

/** What is checked, and with what. */
export interface ConformOptions {
  readonly areas: readonly CheckArea[];
  /** The file of `config`, or the folder of `envelope`. */
  readonly path: string | undefined;
  /** Absolute path of somebody's plugin; the bundled one is started where there is none. */
  readonly socket: string | undefined;
  /** The KMS behind the bundled one. */
  readonly bundledProvider: BundledProvider;
  /** Both that the plugin serves where none is named. */
  readonly kms: KmsVersion | undefined;
  readonly rotateCommand: string | undefined;
  readonly restartCommand: string | undefined;
  readonly kubernetesVersion: string;
  readonly etcdVersion: string;
  /** Where stored values are that somebody else wrote. */
  readonly etcd: EtcdSettings | undefined;
  /** An EncryptionConfiguration that opens them. */
  readonly encryptionConfig: string | undefined;
  readonly writes: number;
  /** A run folder that is searched for what must not be in it. */
  readonly runFolder: string | undefined;
  /** How many Secrets the cluster of a configuration has. */
  readonly secrets: number | undefined;
  readonly seed: string;
}

const writesMax = 10_000_000;
const secretsMax = 100_000_000;

/** Reads the words, or throws one UsageError that names everything that is wrong with them. */
export function parseConformWords(words: ConformWords, bundledProvider: BundledProvider): ConformOptions {
  const faults: string[] = [];
  const areas = checkAreas.filter((area) => words.suite.includes(area));
  const others = words.suite.filter((word) => !areas.some((area) => area === word));
  const [path] = others;
  const takesPath = areas.includes("config") || (areas.includes("envelope") && words.etcd === undefined);
  if (areas.length === 0) faults.push(`say which suite to run: ${checkAreas.join(", ")}`);
  if (others.length > (takesPath ? 1 : 0)) {
    faults.push(`"${others[takesPath ? 1 : 0]}" is none of ${checkAreas.join(", ")}`);
  }
  if (areas.includes("config") && areas.includes("envelope") && path !== undefined) {
    faults.push("the file of config and the folder of envelope cannot both be told from one word; run them one after the other");
  }
  if (areas.includes("config") && path === undefined) faults.push("config takes the file to check: `kmsmark conform config FILE`");
  const whole = (name: string, value: number | undefined, max: number) => {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1 || value > max)) {
      faults.push(`--${name} takes a whole number from 1 to ${max}`);
    }
  };
  whole("writes", words.writes, writesMax);
  whole("secrets", words.secrets, secretsMax);
  for (const name of ["seed", "run", "socket", "rotate-command", "restart-command", "encryption-config"] as const) {
    if (words[name]?.trim() === "") faults.push(`--${name} is empty`);
  }
  if (words.socket === undefined && words["restart-command"] !== undefined) faults.push("--restart-command goes with --socket");
  if (words.socket === undefined && words["rotate-command"] !== undefined && bundledProvider.name === localProvider.name) {
    faults.push("--rotate-command goes with --socket, or with another --provider than local");
  }
  if (faults.length > 0) {
    throw new UsageError("bad-conform-options", `${sentence(faults.join("; "))}.`, {
      hint: "`kmsmark conform --help` shows what there is.",
    });
  }
  return {
    areas,
    path,
    socket: words.socket === undefined ? undefined : socketPathOf(words.socket),
    bundledProvider,
    kms: words.kms,
    rotateCommand: words["rotate-command"],
    restartCommand: words["restart-command"],
    kubernetesVersion: parseKubernetesVersion(words.kubernetes),
    etcdVersion: parseEtcdVersion(words["etcd-version"]),
    etcd: etcdOf(words),
    encryptionConfig: words["encryption-config"],
    writes: words.writes,
    runFolder: words.run,
    secrets: words.secrets,
    seed: words.seed ?? randomBytes(4).toString("hex"),
  };
}

function etcdOf(words: ConformWords): EtcdSettings | undefined {
  if (words.etcd === undefined) return undefined;
  return {
    url: words.etcd,
    caFile: words["etcd-cacert"],
    certificateFile: words["etcd-cert"],
    keyFile: words["etcd-key"],
    prefix: words["etcd-prefix"],
  };
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
