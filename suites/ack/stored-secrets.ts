import { randomUUID } from "node:crypto";
import { decodeSecret, EnvelopeError, onceOnlyPart, parseStoredValue } from "../../harness/envelope/index.ts";
import { TargetError } from "../../harness/errors.ts";
import { KmsCallError } from "../../harness/kms/contract.ts";
import type { Population } from "../../harness/load/population.ts";
import type { SecretSpec } from "../../harness/load/secret-spec.ts";
import { Keyring } from "../conformance/envelope-keyring.ts";
import { isSecretOf, showsPlaintext } from "../conformance/envelope-secret.ts";
import type { ClusterPlane } from "./cluster-planes.ts";

/** What lies in etcd of a cluster's Secrets. */
export interface StoredSecrets {
  /** All of them, also those that are missing. */
  readonly total: number;
  /** How many lie there in plaintext, and show it. */
  readonly plaintext: number;
  /** How many a KMS v2 key_id protects, decrypt to what was written, and show none of it; by key_id. */
  readonly byKeyId: ReadonlyMap<string, number>;
  /** What is missing or wrong, in words without anything of the content. */
  readonly wrong: readonly string[];
}

const wrongMax = 5;

/**
 * Reads and decrypts every stored Secret of the cluster itself, with the plugins and without the API server. Those of the population are compared with
 * what was written, the others have to be what their etcd key names.
 */
export async function inspectStored(
  { plane, links }: Pick<ClusterPlane, "plane" | "links">,
  secrets: Population,
  signal: AbortSignal,
): Promise<StoredSecrets> {
  const { store, etcdPrefix } = plane;
  if (store === undefined) throw new TargetError("no-store", "The stored values of this control plane cannot be read.");
  const keyring = new Keyring(
    links.map(({ name, direct }) => ({ provider: "kms-v2", kms: direct, name })),
    { newUid: randomUUID, signal },
  );
  const written = new Map<string, SecretSpec>();
  for (let index = 0; index < secrets.count; index++) {
    const spec = secrets.at(index);
    written.set(`${etcdPrefix}/secrets/${spec.namespace}/${spec.name}`, spec);
  }

  const byKeyId = new Map<string, number>();
  const wrong: string[] = [];
  const once = new Set<string>();
  let plaintext = 0;
  let total = 0;
  for await (const { key, value } of store.list(`${etcdPrefix}/secrets/`, signal)) {
    const spec = written.get(key);
    written.delete(key);
    total++;
    try {
      const stored = parseStoredValue(value);
      const unlocked = await keyring.unlock(stored);
      if (unlocked === undefined) throw new WrongValue("another provider wrote it");
      const secret = decodeSecret(unlocked.open(key).plaintext);
      const { namespace, name } = secret.metadata;
      const isRight = spec === undefined ? key.endsWith(`/secrets/${namespace}/${name}`) : isSecretOf(secret, spec);
      if (!isRight) throw new WrongValue("it decrypts to something else");
      if (stored.kind === "identity") {
        plaintext++;
        continue;
      }
      if (stored.kind !== "kms-v2") throw new WrongValue(`it was written by ${stored.kind}`);
      if (showsPlaintext(value, (spec ?? secret).data.values())) throw new WrongValue("a value of it stands there in plaintext");
      const part = onceOnlyPart(stored);
      const id = part === undefined ? "" : `${part.what} ${Buffer.from(part.bytes).toString("base64")}`;
      if (id !== "" && once.has(id)) throw new WrongValue(`its ${part?.what} occurs twice`);
      once.add(id);
      byKeyId.set(stored.object.keyId, (byKeyId.get(stored.object.keyId) ?? 0) + 1);
    } catch (thrown) {
      if (!(thrown instanceof WrongValue || thrown instanceof EnvelopeError || thrown instanceof KmsCallError)) throw thrown;
      wrong.push(`${key}: ${thrown.message}`);
    }
  }
  for (const key of written.keys()) wrong.push(`${key}: it is not in the store`);
  return { total: total + written.size, plaintext, byKeyId, wrong: wrong.slice(0, wrongMax) };
}

class WrongValue extends Error {}

/** Which key_id protects one Secret; undefined where it lies in plaintext. */
export async function keyIdOf(
  { plane }: Pick<ClusterPlane, "plane">,
  { namespace, name }: Pick<SecretSpec, "namespace" | "name">,
  signal: AbortSignal,
) {
  const value = await plane.store?.get(`${plane.etcdPrefix}/secrets/${namespace}/${name}`, signal);
  const stored = value === undefined ? undefined : parseStoredValue(value.value);
  return stored?.kind === "kms-v2" ? stored.object.keyId : undefined;
}

/** `60 of 60 Secrets: 60 encrypted under key-…/…`. */
export function describeStored({ total, plaintext, byKeyId, wrong }: StoredSecrets): string {
  const parts = [
    ...[...byKeyId].map(([keyId, count]) => `${count} encrypted under ${keyId}, decrypted and as they were written`),
    ...(plaintext === 0 ? [] : [`${plaintext} in plaintext`]),
    ...(wrong.length === 0 ? [] : [`wrong: ${wrong.join("; ")}`]),
  ];
  return `Of ${total} Secrets in etcd: ${parts.join(", ")}.`;
}

/** Whether all of them are encrypted under one key_id. */
export function areAllUnder({ total, byKeyId }: StoredSecrets, keyId: string): boolean {
  return byKeyId.get(keyId) === total;
}
