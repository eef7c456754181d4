import { z } from "zod";

/** Of the states of ACK (spec alibaba-cloud 6) those that the emulated one passes through. */
const clusterStates = ["initial", "running", "updating", "failed", "deleting"] as const;

const clusterSchema = z.strictObject({
  clusterId: z.string(),
  name: z.string(),
  clusterType: z.string(),
  clusterSpec: z.string(),
  region: z.string(),
  state: z.enum(clusterStates),
  createdMs: z.number(),
  updatedMs: z.number(),
  /** The key that encrypts Secrets; null while none does. */
  keyId: z.string().nullable(),
  /** Whether encryption was switched off after it had been on. */
  isDisabled: z.boolean(),
  /** When the last change of its encryption ended; null before the first. */
  kmsChangedMs: z.number().nullable(),
  /** ids of the RAM users who may administer it, its creator's among them. */
  admins: z.array(z.string()),
});
export type Cluster = z.infer<typeof clusterSchema>;

const taskSchema = z.strictObject({
  taskId: z.string(),
  clusterId: z.string(),
  type: z.string(),
  state: z.enum(["running", "success", "fail"]),
  createdMs: z.number(),
  updatedMs: z.number(),
});
export type Task = z.infer<typeof taskSchema>;

/** What the emulated ACK remembers. */
export const savedClustersSchema = z.strictObject({ clusters: z.array(clusterSchema), tasks: z.array(taskSchema) });

/** `meta_data` of a cluster's detail: a JSON text. Terraform reads the key from just these two members (spec alibaba-cloud 6). */
export function metaDataOf({ keyId, isDisabled }: Pick<Cluster, "keyId" | "isDisabled">): string {
  const capabilities = {
    ...(keyId === null ? {} : { EncryptionKMSKeyId: keyId }),
    ...(isDisabled ? { DisableEncryption: true } : {}),
  };
  return JSON.stringify({ Capabilities: capabilities });
}
