import { z } from "zod";
import type { AlibabaClient } from "../../plugins/alibaba/client.ts";

/** The two styles in which the services are called. */
export type CloudClient = Pick<AlibabaClient, "rpc" | "roa">;

/** What answers of no interest have to be. */
const anything = z.unknown();

const keySchema = z.object({
  KeyMetadata: z.object({
    KeyId: z.string(),
    Arn: z.string().default(""),
    KeySpec: z.string(),
    KeyUsage: z.string(),
    KeyState: z.string(),
    Creator: z.string().default(""),
    PrimaryKeyVersion: z.string().default(""),
    DeletionProtection: z.string().default("Disabled"),
  }),
});
export type KeyFacts = z.infer<typeof keySchema>["KeyMetadata"];

/** The calls of the KMS that the procedure makes by itself. */
export class KmsCalls {
  readonly #client: CloudClient;
  readonly #signal: AbortSignal;

  constructor(client: CloudClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  async createKey(parameters: Readonly<Record<string, string>> = {}): Promise<KeyFacts> {
    return (await this.#call("CreateKey", { Description: "kmsmark ack run", ...parameters }, keySchema)).KeyMetadata;
  }

  async describe(keyId: string): Promise<KeyFacts> {
    return (await this.#call("DescribeKey", { KeyId: keyId }, keySchema)).KeyMetadata;
  }

  /** Whatever changes a key and answers with nothing: DisableKey, EnableKey, ScheduleKeyDeletion, … */
  async change(action: string, parameters: Readonly<Record<string, string>>): Promise<void> {
    await this.#call(action, parameters, anything);
  }

  #call<Answer>(action: string, parameters: Readonly<Record<string, string>>, schema: z.ZodType<Answer>): Promise<Answer> {
    return this.#client.rpc(action, parameters, schema, { signal: this.#signal });
  }
}

const rolesSchema = z.object({ roles: z.array(z.object({ name: z.string(), granted: z.boolean(), message: z.string().default("") })) });
const createdSchema = z.object({ cluster_id: z.string(), task_id: z.string().default("") });
const taskSchema = z.object({ state: z.string() });
const detailSchema = z.object({
  cluster_id: z.string(),
  name: z.string().default(""),
  state: z.string(),
  region_id: z.string().default(""),
  cluster_type: z.string().default(""),
  cluster_spec: z.string().default(""),
  current_version: z.string().default(""),
  meta_data: z.string().default(""),
});

const metaDataSchema = z.object({
  Capabilities: z.object({ EncryptionKMSKeyId: z.string().optional(), DisableEncryption: z.boolean().optional() }).optional(),
});

/** What the detail of a cluster says of its encryption. */
export interface ClusterFacts {
  readonly clusterId: string;
  readonly name: string;
  readonly state: string;
  readonly region: string;
  readonly clusterSpec: string;
  readonly version: string;
  /** Undefined while nothing is encrypted. */
  readonly keyId: string | undefined;
}

/** The calls of Container Service. */
export class AckCalls {
  readonly #client: CloudClient;
  readonly #signal: AbortSignal;

  constructor(client: CloudClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** Whether the account has authorised the service role. */
  async isRoleGranted(name: string): Promise<boolean> {
    const request = { method: "POST", path: "/ram/check-service-role", action: "CheckServiceRole", body: { roles: [{ name }] } } as const;
    const { roles } = await this.#client.roa(request, rolesSchema, { signal: this.#signal });
    return roles.some((role) => role.name === name && role.granted);
  }

  async createCluster(body: Readonly<Record<string, string>>): Promise<{ readonly clusterId: string; readonly taskId: string }> {
    const request = { method: "POST", path: "/clusters", action: "CreateCluster", body } as const;
    const { cluster_id: clusterId, task_id: taskId } = await this.#client.roa(request, createdSchema, { signal: this.#signal });
    return { clusterId, taskId };
  }

  async describe(clusterId: string): Promise<ClusterFacts> {
    const request = { method: "GET", path: `/clusters/${clusterId}`, action: "DescribeClusterDetail" } as const;
    const detail = await this.#client.roa(request, detailSchema, { signal: this.#signal });
    return {
      clusterId: detail.cluster_id,
      name: detail.name,
      state: detail.state,
      region: detail.region_id,
      clusterSpec: detail.cluster_spec,
      version: detail.current_version,
      keyId: keyOf(detail.meta_data),
    };
  }

  async taskState(taskId: string): Promise<string> {
    const request = { method: "GET", path: `/tasks/${taskId}`, action: "DescribeTaskInfo" } as const;
    return (await this.#client.roa(request, taskSchema, { signal: this.#signal })).state;
  }

  /** Turns encryption on, changes its key, or with null turns it off. */
  async updateKms(clusterId: string, keyId: string | null): Promise<void> {
    const body = keyId === null ? { disable_encryption: true } : { kms_key_id: keyId, disable_encryption: false };
    const request = { method: "PUT", path: `/clusters/${clusterId}/kms`, action: "UpdateKMSEncryption", body } as const;
    await this.#client.roa(request, anything, { signal: this.#signal });
  }

  async deleteCluster(clusterId: string): Promise<void> {
    const request = { method: "DELETE", path: `/clusters/${clusterId}`, action: "DeleteCluster" } as const;
    await this.#client.roa(request, anything, { signal: this.#signal });
  }

  /** Lets a RAM user administer a cluster. */
  async grantAdmin(userId: string, clusterId: string): Promise<void> {
    const body = [{ cluster: clusterId, role_name: "admin", role_type: "cluster" }];
    const request = { method: "POST", path: `/permissions/users/${userId}`, action: "GrantPermissions", body } as const;
    await this.#client.roa(request, anything, { signal: this.#signal });
  }
}

/** The key in `meta_data`, a JSON text in a JSON answer (spec alibaba-cloud 6); undefined also where it is none or encryption was turned off. */
function keyOf(metaData: string): string | undefined {
  let data: unknown;
  try {
    data = JSON.parse(metaData === "" ? "{}" : metaData);
  } catch {
    return undefined;
  }
  const capabilities = metaDataSchema.safeParse(data).data?.Capabilities;
  return capabilities?.DisableEncryption === true ? undefined : capabilities?.EncryptionKMSKeyId || undefined;
}
