import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { readEncryptionFile } from "../../harness/encryption-file/index.ts";
import { dekSourceTypes, parseStoredValue } from "../../harness/envelope/index.ts";
import { messageOf, systemCodeOf, TargetError, UsageError } from "../../harness/errors.ts";
import type { EncryptionConfiguration } from "../../harness/target/encryption-configuration.ts";
import type { StoredValue } from "../../harness/target/target.ts";
import type { Need } from "./check.ts";
import { type OwnPlane, type OwnPlaneOptions, startOwnPlane, succeed } from "./own-plane.ts";
import { secretsOfRun } from "./run-secrets.ts";
import {
  type EncryptingKind,
  encryptingKinds,
  type GuardedFile,
  type Place,
  type PlaceKind,
  type RandomPart,
  type SampleSecret,
  type SecuritySubject,
} from "./security-subject.ts";

export interface OpenSecurityOptions extends OwnPlaneOptions {
  /** How many Secrets KMS v2 writes. */
  readonly writes: number;
  /** The folder of this run, which is searched, and that of another, if there is one. */
  readonly ownRunFolder: string;
  readonly runFolder: string | undefined;
  /** A configuration to judge instead of the own one. */
  readonly encryptionConfig: string | undefined;
  /** Reads the keys out of the bundled plugin's key file, by names that may be told. */
  readonly pluginKeys: (keyFile: string | undefined) => Promise<ReadonlyMap<string, Uint8Array>>;
  /** Told in a sentence how far the writes have come, which take minutes. */
  readonly say: (line: string) => void;
}

/** All other providers write so much less: of each, what is looked for is the same. */
const otherWritesShare = 10;
const otherWritesMin = 200;
const inFlight = 16;
const toldEvery = 20_000;
const updatedEach = 20;
const samplesEach = 4;
const namespaceOf = (kind: EncryptingKind) => `security-${kind}`;

/**
 * Starts a control plane for the checks of security, which writes when the first of them asks for what was written.
 * @throws as {@link startOwnPlane}; UsageError for an `encryptionConfig` that cannot be read, RunFolderError for a `runFolder` that is none.
 */
export async function openSecurity(options: OpenSecurityOptions): Promise<SecuritySubject & AsyncDisposable> {
  const { encryptionConfig, runFolder } = options;
  const given =
    encryptionConfig === undefined ? undefined : { of: encryptionConfig, encryption: await readConfiguration(encryptionConfig) };
  const runSecrets = runFolder === undefined ? new Map<string, Uint8Array>() : await secretsOfRun(runFolder);
  await using held = new AsyncDisposableStack();
  const own = held.use(await startOwnPlane(encryptingKinds, options));
  const subject = new PlaneSecurity(own, options, { given, runSecrets, credentials: await credentialsOf(own, options) });
  const all = held.move();
  return Object.assign(subject, { [Symbol.asyncDispose]: () => all.disposeAsync() });
}

interface Known {
  readonly given: SecuritySubject["configuration"] | undefined;
  readonly runSecrets: ReadonlyMap<string, Uint8Array>;
  readonly credentials: ReadonlyMap<string, Uint8Array>;
}

class PlaneSecurity implements SecuritySubject {
  readonly signal: AbortSignal;
  readonly kinds: readonly EncryptingKind[];
  readonly canaries: ReadonlyMap<EncryptingKind, Uint8Array>;
  readonly plainCanary = newCanary();
  readonly runSecrets: ReadonlyMap<string, Uint8Array>;
  readonly credentials: ReadonlyMap<string, Uint8Array>;
  readonly doors: SecuritySubject["doors"];
  readonly configuration: SecuritySubject["configuration"];
  readonly #own: OwnPlane;
  readonly #options: OpenSecurityOptions;
  /** What the API server logged in each of its lives; a restart begins the log anew. */
  readonly #apiServerLogs: string[] = [];
  #writing: Promise<void> | undefined;
  #stored: Promise<ReadonlyMap<EncryptingKind, readonly StoredValue[]>> | undefined;

  constructor(own: OwnPlane, options: OpenSecurityOptions, { given, runSecrets, credentials }: Known) {
    this.#own = own;
    this.#options = options;
    this.signal = options.signal;
    this.kinds = encryptingKinds.filter((kind) => own.kinds.includes(kind));
    this.canaries = new Map(this.kinds.map((kind) => [kind, newCanary()]));
    this.runSecrets = runSecrets;
    this.credentials = credentials;
    this.doors = { apiServer: own.plane.api, etcd: own.plane.internals?.etcd };
    this.configuration = given ?? { of: "the configuration of the control plane that kmsmark started", encryption: own.encryption() };
  }

  lacks(need: Need): string | undefined {
    const { plane, lacks } = this.#own;
    if (need === "disk" && plane.internals === undefined) return "The model has no etcd, and so no files of one.";
    return lacks[need];
  }

  async places(kind: PlaceKind): Promise<readonly Place[]> {
    const { store, plane, plugin } = this.#own;
    await this.#written();
    switch (kind) {
      case "keys":
        return [{ name: "all keys of the store", read: () => bytesOf(store.list("", this.signal)) }];
      case "revisions":
        return [{ name: "all revisions that the store keeps", read: () => bytesOf(store.history("", this.signal)) }];
      case "database":
        return this.#etcdFiles("member/snap", /^db$/);
      case "write-ahead log":
        return this.#etcdFiles("member/wal", /\.wal$/);
      case "snapshots":
        return this.#etcdFiles("member/snap", /\.snap/);
      case "API server's log":
        return [...this.#apiServerLogs, await this.#log("kube-apiserver")].map((text, index) =>
          inMemory(`the API server's log, start ${index + 1}`, text),
        );
      case "etcd's log":
        return plane.internals === undefined ? [] : [inMemory("etcd's log", await this.#log("etcd"))];
      case "plugin's log":
        return plugin === undefined ? [] : [inFile("the plugin's log", plugin.logFile)];
      case "run folder":
        return [
          ...(await filesBelow(this.#options.ownRunFolder, "this run's folder")),
          ...(this.#options.runFolder === undefined ? [] : await filesBelow(this.#options.runFolder, "the run's folder")),
        ];
    }
  }

  async samples(kind: EncryptingKind): Promise<readonly SampleSecret[]> {
    const stored = (await this.#storedValues()).get(kind) ?? [];
    return stored.slice(0, samplesEach).map(({ key, value }) => {
      const [namespace = "", name = ""] = key.split("/").slice(-2);
      return { namespace, name, key, stored: value };
    });
  }

  async randomParts(): Promise<readonly RandomPart[]> {
    const parts = new Map<string, { readonly kind: EncryptingKind; readonly what: RandomPart["what"]; readonly strings: Uint8Array[] }>();
    for (const [kind, values] of await this.#storedValues()) {
      for (const { value } of values) {
        for (const [what, string] of randomPartsOf(value)) {
          const id = `${kind} ${what}`;
          const part = parts.get(id) ?? { kind, what, strings: [] };
          part.strings.push(string);
          parts.set(id, part);
        }
      }
    }
    return [...parts.values()];
  }

  async readWith(secret: { readonly namespace: string; readonly name: string }, bytes: Uint8Array) {
    const { store, client, keyOf } = this.#own;
    const key = keyOf(secret);
    const before = await store.get(key, this.signal);
    await store.put(key, bytes, this.signal);
    try {
      return await client.getSecret(secret.namespace, secret.name, this.signal);
    } finally {
      // What cannot be read would keep the API server's watch cache from coming back (spec encryption-at-rest 6.2).
      if (before === undefined) await store.delete(key);
      else await store.put(key, before.value);
    }
  }

  async guardedFiles(): Promise<readonly GuardedFile[]> {
    const { plane, plugin, socket } = this.#own;
    await this.#written();
    const files: GuardedFile[] = [{ name: "the plugin's socket", holds: "socket", mode: await modeOf(socket) }];
    if (plugin !== undefined) {
      files.push({ name: "the folder of the plugin's socket", holds: "socket", mode: await modeOf(dirname(socket)) });
      if (plugin.keyFile !== undefined) {
        files.push({ name: "the plugin's key file", holds: "keys", mode: await modeOf(plugin.keyFile) });
      }
    }
    if (plane.internals !== undefined) {
      const { folder, etcdFolder } = plane.internals;
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        // Certificates are no secrets, but nobody else has a use for them either.
        if (entry.isFile()) files.push({ name: `the file ${entry.name}`, holds: "keys", mode: await modeOf(join(folder, entry.name)) });
      }
      files.push(...(await reachableIn(etcdFolder)));
    }
    return files;
  }

  /** Lets each provider write, once, whoever asks first. */
  #written(): Promise<void> {
    this.#writing ??= this.#write();
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { client, write, kinds } = this.#own;
    const plain = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "plain" }, data: { value: textOf(this.plainCanary) } };
    await succeed(client.createNamespace("security-plain", this.signal));
    const path = "/api/v1/namespaces/security-plain/configmaps";
    await succeed(client.request({ method: "POST", path, body: Buffer.from(JSON.stringify(plain)), signal: this.signal }));
    for (const kind of this.kinds) {
      if (kind !== kinds[0]) this.#apiServerLogs.push(await this.#log("kube-apiserver"));
      await write(kind);
      await this.#writeSecrets(kind);
    }
  }

  async #writeSecrets(kind: EncryptingKind): Promise<void> {
    const { client } = this.#own;
    const { writes } = this.#options;
    const namespace = namespaceOf(kind);
    const count = kind === "kms-v2" ? writes : Math.max(otherWritesMin, Math.ceil(writes / otherWritesShare));
    const width = String(count).length;
    await succeed(client.createNamespace(namespace, this.signal));
    let next = 0;
    const work = async () => {
      for (let index = next++; index < count; index = next++) {
        const name = `secret-${String(index).padStart(width, "0")}`;
        const secretOf = (generation: number) => ({ namespace, name, body: this.#bodyOf(kind, { namespace, name, index, generation }) });
        await succeed(client.createSecret(secretOf(0), this.signal));
        if (index < updatedEach) await succeed(client.updateSecret(secretOf(1), this.signal));
        if ((index + 1) % toldEvery === 0) this.#options.say(`${kind} has written ${index + 1} of ${count} Secrets.`);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, work));
  }

  /**
   * The canary stands in the content, and once more in the annotation in which `kubectl apply` keeps a copy of the whole Secret. The lengths
   * differ, so that not every payload of KMS v1 is made of whole blocks; the content is longer than five blocks.
   */
  #bodyOf(
    kind: EncryptingKind,
    {
      namespace,
      name,
      index,
      generation,
    }: { readonly namespace: string; readonly name: string; readonly index: number; readonly generation: number },
  ): Uint8Array {
    const canary = textOf(this.canaries.get(kind) ?? new Uint8Array());
    const content = `${canary}/${generation}/${"x".repeat(64 + (index % 7))}`;
    const secret = { apiVersion: "v1", kind: "Secret", type: "Opaque", data: { value: Buffer.from(content).toString("base64") } };
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(secret) };
    return Buffer.from(JSON.stringify({ ...secret, metadata: { namespace, name, annotations } }));
  }

  #storedValues(): Promise<ReadonlyMap<EncryptingKind, readonly StoredValue[]>> {
    this.#stored ??= this.#readStored();
    return this.#stored;
  }

  async #readStored(): Promise<ReadonlyMap<EncryptingKind, readonly StoredValue[]>> {
    await this.#written();
    const { store, keyOf } = this.#own;
    const stored = new Map<EncryptingKind, readonly StoredValue[]>();
    for (const kind of this.kinds) {
      const values = await Array.fromAsync(store.list(keyOf({ namespace: namespaceOf(kind), name: "" }), this.signal));
      const other = values.find(({ value }) => parseStoredValue(value).kind !== kind);
      if (other !== undefined) throw new TargetError("api-refused", `${kind} was first, and ${other.key} is a value of another provider.`);
      stored.set(kind, values);
    }
    return stored;
  }

  #log(component: "kube-apiserver" | "etcd"): Promise<string> {
    return this.#own.plane.logTail(component, Number.POSITIVE_INFINITY);
  }

  async #etcdFiles(folder: string, names: RegExp): Promise<Place[]> {
    const { internals } = this.#own.plane;
    if (internals === undefined) return [];
    const files = (await readdir(join(internals.etcdFolder, folder))).filter((name) => names.test(name)).sort();
    return files.map((name) => inFile(`etcd's file ${folder}/${name}`, join(internals.etcdFolder, folder, name)));
  }
}

/** 128 bits in hexadecimal, so that no way of printing text changes it. */
function newCanary(): Uint8Array {
  return Buffer.from(randomBytes(16).toString("hex"));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** What is drawn anew for each write (spec encryption-at-rest 1.2, 2.3, 3). */
function randomPartsOf(stored: Uint8Array): [what: RandomPart["what"], string: Uint8Array][] {
  const value = parseStoredValue(stored);
  switch (value.kind) {
    case "identity":
      return [];
    case "aescbc":
      return [["IV", value.body.subarray(0, 16)]];
    case "aesgcm":
      return [["nonce", value.body.subarray(0, 12)]];
    case "secretbox":
      return [["nonce", value.body.subarray(0, 24)]];
    case "kms-v1":
      return [["nonce", value.payload.subarray(0, 12)]];
    case "kms-v2": {
      const { encryptedData, encryptedDekSourceType } = value.object;
      if (encryptedDekSourceType === dekSourceTypes.aesGcmKey) return [["nonce", encryptedData.subarray(0, 12)]];
      return [
        ["info", encryptedData.subarray(0, 32)],
        ["nonce", encryptedData.subarray(32, 44)],
      ];
    }
  }
}

/** What must not stand in a log: the bytes of keys, and the text of tokens. */
async function credentialsOf(
  { keys, plane, plugin }: OwnPlane,
  { pluginKeys }: Pick<OpenSecurityOptions, "pluginKeys">,
): Promise<Map<string, Uint8Array>> {
  const { identity } = plane.api;
  const credentials = new Map<string, Uint8Array>([["the key of the local providers", keys.localKey.secret]]);
  if (identity.kind === "token") credentials.set("the administrator's token", Buffer.from(identity.token));
  else credentials.set("the administrator's private key", Buffer.from(identity.keyPem));
  if (plugin !== undefined) {
    for (const [name, key] of await pluginKeys(plugin.keyFile)) credentials.set(name, key);
  }
  return credentials;
}

async function readConfiguration(path: string): Promise<EncryptionConfiguration> {
  const text = await readFile(path, "utf8").catch((thrown: unknown) => {
    throw new UsageError("unreadable-file", `${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  });
  const { configuration, faults } = readEncryptionFile(text, { automaticReload: false, allowsKmsV1: true });
  if (configuration !== undefined) return configuration;
  throw new UsageError("bad-encryption-configuration", `kube-apiserver does not start with ${path}: ${faults[0]?.message}.`, {
    hint: `Run: kmsmark conform config ${path}`,
  });
}

/** A folder and, where others may enter it, all that lies in it: what lies in a closed one is out of their reach, whatever its mode. */
async function reachableIn(folder: string, name = "etcd's folder"): Promise<GuardedFile[]> {
  const mode = await modeOf(folder);
  const files: GuardedFile[] = [{ name, holds: "stored values", mode }];
  if ((mode & 0o077) === 0) return files;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const [path, its] = [join(folder, entry.name), `${entry.name} in ${name}`];
    if (entry.isDirectory()) files.push(...(await reachableIn(path, its)));
    else files.push({ name: its, holds: "stored values", mode: await modeOf(path) });
  }
  return files;
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

async function* bytesOf(values: AsyncIterable<StoredValue>): AsyncIterable<Uint8Array> {
  for await (const { key, value } of values) {
    yield Buffer.from(key);
    yield value;
  }
}

function inMemory(name: string, text: string): Place {
  return {
    name,
    async *read() {
      yield Buffer.from(text);
    },
  };
}

function inFile(name: string, path: string): Place {
  return { name, read: () => createReadStream(path, { highWaterMark: 1 << 20 }) };
}

async function filesBelow(folder: string, name: string): Promise<Place[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() ? [inFile(`${relative(folder, path)} in ${name}`, path)] : [];
    });
  } catch (thrown) {
    if (systemCodeOf(thrown) === undefined) throw thrown;
    throw new UsageError("unreadable-file", `${folder} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  }
}
