import { z } from "zod";
import { metadataInput, recordOf, requirePrecondition } from "./api-object.ts";
import type { ResourceType } from "./resource-type.ts";

const input = z.object({ metadata: metadataInput });

const stored = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
  }),
});
export type StoredNamespace = z.infer<typeof stored>;

/** core/v1 Namespaces. They are stored as JSON, not in protobuf, and one that is deleted stays Terminating, as without a controller manager. */
export const namespaces: ResourceType<StoredNamespace, z.infer<typeof input>> = {
  resource: "namespaces",
  kind: "Namespace",
  input,
  codec: {
    encode: (namespace) => Uint8Array.from(Buffer.from(JSON.stringify({ kind: "Namespace", apiVersion: "v1", ...namespace }))),
    decode: (bytes) => stored.parse(JSON.parse(Buffer.from(bytes).toString())),
  },

  create({ metadata }, { name, uid, creationTimestamp }) {
    const labels = { ...metadata?.labels, "kubernetes.io/metadata.name": name };
    return { metadata: { name, uid, creationTimestamp, labels, annotations: metadata?.annotations ?? {} } };
  },

  update({ metadata }, { value: existing, revision }) {
    const { name, uid } = existing.metadata;
    requirePrecondition("namespaces", name, { uid: metadata?.uid, resourceVersion: metadata?.resourceVersion }, { uid, revision });
    const labels = { ...metadata?.labels, "kubernetes.io/metadata.name": name };
    return { metadata: { ...existing.metadata, labels, annotations: metadata?.annotations ?? {} } };
  },

  render({ value: { metadata }, revision }) {
    const { labels, annotations, ...rest } = metadata;
    return {
      metadata: {
        ...rest,
        resourceVersion: String(revision),
        labels: recordOf(new Map(Object.entries(labels))),
        annotations: recordOf(new Map(Object.entries(annotations))),
      },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: metadata.deletionTimestamp === undefined ? "Active" : "Terminating" },
    };
  },

  identityOf: ({ metadata }) => ({ name: metadata.name, uid: metadata.uid }),
};
