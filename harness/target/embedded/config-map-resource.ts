import { z } from "zod";
import { metadataInput, recordOf, requirePrecondition, texts } from "./api-object.ts";
import type { ResourceType } from "./resource-type.ts";

const input = z.object({ metadata: metadataInput, data: texts });
type ConfigMapInput = z.infer<typeof input>;

const textRecord = z.record(z.string(), z.string());
const stored = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    creationTimestamp: z.string(),
    labels: textRecord,
    annotations: textRecord,
  }),
  data: textRecord,
});
export type StoredConfigMap = z.infer<typeof stored>;

/** core/v1 ConfigMaps: a resource besides Secrets that may be encrypted or not. They are stored as JSON, not in protobuf. */
export const configMaps: ResourceType<StoredConfigMap, ConfigMapInput> = {
  resource: "configmaps",
  kind: "ConfigMap",
  input,
  codec: {
    encode: (configMap) => Uint8Array.from(Buffer.from(JSON.stringify({ kind: "ConfigMap", apiVersion: "v1", ...configMap }))),
    decode: (bytes) => stored.parse(JSON.parse(Buffer.from(bytes).toString())),
  },

  create: (sent, { name, namespace, uid, creationTimestamp }) => ({
    metadata: { name, namespace, uid, creationTimestamp, ...labelsOf(sent) },
    data: sent.data ?? {},
  }),

  update(sent, { value: existing, revision }) {
    const { name, uid } = existing.metadata;
    const wanted = { uid: sent.metadata?.uid, resourceVersion: sent.metadata?.resourceVersion };
    requirePrecondition("configmaps", name, wanted, { uid, revision });
    return { metadata: { ...existing.metadata, ...labelsOf(sent) }, data: sent.data ?? {} };
  },

  render({ value: { metadata, data }, revision }) {
    const [labels, annotations, shown] = [metadata.labels, metadata.annotations, data].map((texts) =>
      recordOf(new Map(Object.entries(texts))),
    );
    return { metadata: { ...metadata, resourceVersion: String(revision), labels, annotations }, data: shown };
  },

  identityOf: ({ metadata }) => ({ name: metadata.name, uid: metadata.uid }),
};

function labelsOf({ metadata }: ConfigMapInput): Pick<StoredConfigMap["metadata"], "labels" | "annotations"> {
  return { labels: metadata?.labels ?? {}, annotations: metadata?.annotations ?? {} };
}
