import { z } from "zod";
import { decodeSecret, encodeSecret, type StoredSecret } from "../../envelope/index.ts";
import { invalid } from "./api-error.ts";
import { metadataInput, recordOf, requirePrecondition } from "./api-object.ts";
import type { ResourceType } from "./resource-type.ts";

/** The values of a Secret together, bytes (k8s.io/api/core/v1 MaxSecretSize). */
const dataMaxBytes = 1024 * 1024;

const input = z.object({
  metadata: metadataInput,
  type: z.string().nullish(),
  data: z.record(z.string(), z.base64().nullable()).nullish(),
  stringData: z.record(z.string(), z.string()).nullish(),
  immutable: z.boolean().nullish(),
});
type SecretInput = z.infer<typeof input>;

/** core/v1 Secrets, stored as kube-apiserver does, in protobuf. The keys that some types require are not checked. */
export const secrets: ResourceType<StoredSecret, SecretInput> = {
  resource: "secrets",
  kind: "Secret",
  input,
  codec: { encode: encodeSecret, decode: decodeSecret },

  create(sent, identity) {
    const { name, namespace, uid, creationTimestamp } = identity;
    const generateName = sent.metadata?.generateName;
    const secret: StoredSecret = {
      metadata: {
        name,
        ...(generateName ? { generateName } : {}),
        namespace,
        uid,
        creationTimestamp,
        labels: mapOf(sent.metadata?.labels),
        annotations: mapOf(sent.metadata?.annotations),
      },
      ...contentOf(sent),
    };
    requireValid(secret);
    return secret;
  },

  update(sent, { value: existing, revision }) {
    const { name, uid } = existing.metadata;
    requirePrecondition("secrets", name, { uid: sent.metadata?.uid, resourceVersion: sent.metadata?.resourceVersion }, { uid, revision });
    const secret: StoredSecret = {
      metadata: { ...existing.metadata, labels: mapOf(sent.metadata?.labels), annotations: mapOf(sent.metadata?.annotations) },
      ...contentOf(sent),
    };
    requireValid(secret);
    if (secret.type !== existing.type) {
      throw invalid("Secret", name, "type", `Invalid value: "${secret.type}": field is immutable`);
    }
    if (existing.immutable === true && (secret.immutable !== true || !sameData(existing, secret))) {
      throw invalid("Secret", name, "data", "Forbidden: field is immutable when `immutable` is set");
    }
    return secret;
  },

  render({ value, revision }) {
    const { name, generateName, namespace, uid, creationTimestamp, labels, annotations } = value.metadata;
    const data = new Map([...value.data].map(([key, bytes]) => [key, Buffer.from(bytes).toString("base64")]));
    return {
      metadata: {
        name,
        generateName,
        namespace,
        uid,
        resourceVersion: String(revision),
        creationTimestamp: creationTimestamp ?? null,
        labels: recordOf(labels),
        annotations: recordOf(annotations),
      },
      immutable: value.immutable,
      data: recordOf(data),
      type: value.type,
    };
  },

  identityOf: ({ metadata }) => ({ name: metadata.name, uid: metadata.uid }),
};

function contentOf(sent: SecretInput): Pick<StoredSecret, "type" | "data" | "immutable"> {
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(sent.data ?? {})) data.set(key, Uint8Array.from(Buffer.from(value ?? "", "base64")));
  for (const [key, value] of Object.entries(sent.stringData ?? {})) data.set(key, Uint8Array.from(Buffer.from(value)));
  return { type: sent.type || "Opaque", data, ...(sent.immutable == null ? {} : { immutable: sent.immutable }) };
}

function requireValid({ metadata: { name }, data }: StoredSecret): void {
  let totalBytes = 0;
  for (const [key, value] of data) {
    totalBytes += value.length;
    if (key.length > 253 || !/^[-._a-zA-Z0-9]+$/.test(key) || key === "." || key.startsWith("..")) {
      const rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
      throw invalid("Secret", name, `data[${key}]`, `Invalid value: "${key}": ${rule}`);
    }
  }
  if (totalBytes > dataMaxBytes) throw invalid("Secret", name, "data", `Too long: may not be more than ${dataMaxBytes} bytes`);
}

function sameData(a: StoredSecret, b: StoredSecret): boolean {
  return (
    a.data.size === b.data.size && [...a.data].every(([key, value]) => Buffer.compare(value, b.data.get(key) ?? new Uint8Array(0)) === 0)
  );
}

function mapOf(record: Readonly<Record<string, string>> | null | undefined): ReadonlyMap<string, string> {
  return new Map(Object.entries(record ?? {}));
}
