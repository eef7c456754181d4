import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { readEncryptionFile } from "../../harness/encryption-file/index.ts";
import { kindPrefix, storedPrefix } from "../../harness/envelope/index.ts";
import { messageOf, UsageError } from "../../harness/errors.ts";
import { connectKmsV1, connectKmsV2, detectKmsVersions } from "../../harness/kms/client.ts";
import { requireListening, socketPathOf } from "../../harness/kms/socket.ts";
import { providersOf } from "../../harness/model/index.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "../../harness/target/encryption-configuration.ts";
import { Keyring, type KeySource } from "./envelope-keyring.ts";

/** What opens stored values that somebody else wrote. */
export interface KeyFiles {
  /** Path of the EncryptionConfiguration that they were written with. */
  readonly encryptionConfig: string | undefined;
  /** A plugin's socket, path or `unix:///path`: in the place of those that the configuration names. */
  readonly socket: string | undefined;
}

export interface OpenedKeys extends Disposable {
  readonly keyring: Keyring;
  /** The names of the configuration's keys and providers. */
  readonly names: readonly string[];
  /** See `EnvelopeSubject.readable`. */
  readonly readable: readonly string[] | undefined;
  /** Why there are none, as a sentence. */
  readonly lack: string | undefined;
}

/**
 * Reads the keys, and connects to the plugins.
 *
 * @param resource - the one whose providers read the values, `secrets`; undefined where they may be of any.
 * @throws UsageError `unreadable-file`, `bad-encryption-configuration`; PluginError where nothing listens on a socket.
 */
export async function openKeys(
  { encryptionConfig, socket }: KeyFiles,
  { resource, signal }: { readonly resource: string | undefined; readonly signal: AbortSignal },
): Promise<OpenedKeys> {
  using held = new DisposableStack();
  const configuration = encryptionConfig === undefined ? undefined : await readConfiguration(encryptionConfig);
  const providers =
    configuration && (resource === undefined ? allOf(configuration) : (providersOf(configuration, resource) ?? [{ kind: "identity" }]));
  const sources = providers === undefined ? await ofSocket(socket, held) : await ofProviders(providers, socket, held);
  const all = held.move();
  return {
    keyring: new Keyring(sources, { newUid: randomUUID, signal }),
    names: providers?.flatMap(namesOf) ?? [],
    readable: providers?.flatMap(prefixesOf),
    lack:
      sources.length > 0
        ? undefined
        : "Nothing was given to open the values with: --encryption-config names the keys, --socket the plugin.",
    [Symbol.dispose]: () => all[Symbol.dispose](),
  };
}

/** What the values of a provider begin with: one prefix for each key of a local one. */
export function prefixesOf(provider: ProviderConfiguration): string[] {
  switch (provider.kind) {
    case "identity":
      return [kindPrefix(provider.kind)];
    case "kms":
      return [storedPrefix(provider.apiVersion === "v1" ? "kms-v1" : "kms-v2", provider.name)];
    default:
      return provider.keys.map(({ name }) => storedPrefix(provider.kind, name));
  }
}

async function readConfiguration(path: string): Promise<EncryptionConfiguration> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    throw new UsageError("unreadable-file", `${path} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
  }
  const { configuration, faults } = readEncryptionFile(text, { automaticReload: false, allowsKmsV1: true });
  if (configuration !== undefined) return configuration;
  throw new UsageError("bad-encryption-configuration", `${path} is no configuration that kube-apiserver takes: ${faults[0]?.message}.`, {
    hint: "`kmsmark conform config` says all that is wrong with it.",
  });
}

function allOf({ resources }: EncryptionConfiguration): readonly ProviderConfiguration[] {
  return resources.flatMap(({ providers }) => providers);
}

function namesOf(provider: ProviderConfiguration): string[] {
  if (provider.kind === "identity") return [];
  return provider.kind === "kms" ? [provider.name] : provider.keys.map(({ name }) => name);
}

async function ofSocket(socket: string | undefined, held: DisposableStack): Promise<KeySource[]> {
  if (socket === undefined) return [];
  const path = socketPathOf(socket);
  const versions = await detectKmsVersions(path);
  return versions.map((version) => kmsSource(version, { path, name: undefined }, held));
}

async function ofProviders(
  providers: readonly ProviderConfiguration[],
  socket: string | undefined,
  held: DisposableStack,
): Promise<KeySource[]> {
  const sources: KeySource[] = [];
  for (const provider of providers) {
    if (provider.kind === "identity") continue;
    if (provider.kind === "kms") {
      const path = socketPathOf(socket ?? provider.socket);
      await requireListening(path);
      sources.push(kmsSource(provider.apiVersion, { path, name: provider.name }, held));
    } else sources.push(...provider.keys.map((key) => ({ provider: provider.kind, key })));
  }
  return sources;
}

function kmsSource(
  version: "v1" | "v2",
  { path, name }: { readonly path: string; readonly name: string | undefined },
  held: DisposableStack,
): KeySource {
  return version === "v1"
    ? { provider: "kms-v1", kms: held.use(connectKmsV1(path)), name }
    : { provider: "kms-v2", kms: held.use(connectKmsV2(path)), name };
}
