import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import { type Cluster, metaDataOf, savedClustersSchema, type Task } from "./ack-clusters.ts";
import { CredentialsEndpoint } from "./ack-credentials.ts";
import type { ClusterDriver, ClusterKms } from "./ack-driver.ts";
import { ackRole, isRoleGranted, requireKey, requireRole } from "./ack-rules.ts";
import {
  type Cloud,
  type CloudAnswer,
  type CloudCall,
  CloudError,
  type CloudKey,
  type CloudOperation,
  type CloudService,
  type CloudServiceFactory,
  type JsonObject,
} from "./service.ts";

/** For so long after a change of its encryption has ended no other is accepted (spec alibaba-cloud 6). */
export const kmsChangePauseMs = 5 * 60_000;
/** Enough of a cluster's id to tell it from the others of an account. */
export const sessionCharacters = 12;
/** The Kubernetes version that a cluster's detail names. */
const kubernetesVersion = "1.37.2-aliyun.1";

export interface AckOptions {
  /** Makes the driver of the control planes; called once, with the cloud. */
  readonly driver: (cloud: Cloud) => ClusterDriver;
  /** Default {@link kmsChangePauseMs}. */
  readonly kmsChangePauseMs?: number;
}

/**
 * Container Service for Kubernetes, CS 2015-12-15: as much of it as has to do with the encryption of Secrets (spec alibaba-cloud 6). A change
 * is answered at once and carried out by the driver; the cluster's state says how far it is.
 */
export const ack =
  (options: AckOptions): CloudServiceFactory =>
  (cloud) =>
    new Ack(cloud, options);

const rolesSchema = z.object({ roles: z.array(z.object({ name: z.string() })) });
const createSchema = z.object({
  name: z.string().min(1),
  region_id: z.string().optional(),
  cluster_type: z.string(),
  cluster_spec: z.string().default(""),
  encryption_provider_key: z.string().min(1).optional(),
});
const kmsSchema = z.object({ kms_key_id: z.string().min(1).optional(), disable_encryption: z.boolean().default(false) });
const permissionsSchema = z.array(z.object({ cluster: z.string().default(""), role_name: z.string(), role_type: z.string() }));

/** The predefined roles of a cluster whose holders may change its encryption (spec alibaba-cloud 2.3). */
const adminRoles: ReadonlySet<string> = new Set(["admin", "ops"]);

class Ack implements CloudService {
  readonly product = "CS";
  readonly version = "2015-12-15";
  readonly style = "roa";
  readonly operations: Readonly<Record<string, CloudOperation>> = {
    CheckServiceRole: {
      access: "Read",
      route: "POST /ram/check-service-role",
      handle: (call) => this.#checkServiceRole(call),
    },
    CreateCluster: {
      access: "Write",
      route: "POST /clusters",
      recordedBody: ["name", "region_id", "cluster_type", "cluster_spec", "encryption_provider_key"],
      handle: (call) => this.#createCluster(call),
    },
    DescribeClusterDetail: {
      access: "Read",
      route: "GET /clusters/{ClusterId}",
      recordedParameters: ["ClusterId"],
      handle: (call) => ({ body: detailOf(this.#clusterOf(call, "cs:DescribeClusterDetail")) }),
    },
    UpdateKMSEncryption: {
      access: "Write",
      route: "PUT /clusters/{ClusterId}/kms",
      recordedParameters: ["ClusterId"],
      recordedBody: ["kms_key_id", "disable_encryption"],
      handle: (call) => this.#updateKmsEncryption(call),
    },
    DeleteCluster: {
      access: "Write",
      route: "DELETE /clusters/{ClusterId}",
      recordedParameters: ["ClusterId"],
      handle: (call) => this.#deleteCluster(call),
    },
    DescribeTaskInfo: {
      access: "Read",
      route: "GET /tasks/{TaskId}",
      recordedParameters: ["TaskId"],
      handle: (call) => this.#describeTask(call),
    },
    GrantPermissions: {
      access: "Write",
      route: "POST /permissions/users/{Uid}",
      recordedParameters: ["Uid"],
      handle: (call) => this.#grantPermissions(call),
    },
  };
  readonly #cloud: Cloud;
  readonly #driver: ClusterDriver;
  readonly #pauseMs: number;
  readonly #credentials = new CredentialsEndpoint();
  readonly #clusters = new Map<string, Cluster>();
  readonly #tasks = new Map<string, Task>();
  /** The credentials URI of each cluster that has one. */
  readonly #uris = new Map<string, string>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(cloud: Cloud, { driver, kmsChangePauseMs: pauseMs = kmsChangePauseMs }: AckOptions) {
    this.#cloud = cloud;
    this.#driver = driver(cloud);
    this.#pauseMs = pauseMs;
  }

  /** Bound, because the cloud calls it by itself. */
  readonly save = (): JsonObject => ({ clusters: [...this.#clusters.values()], tasks: [...this.#tasks.values()] });

  /** What was under way when the cloud went down has failed. */
  load(saved: unknown): void {
    const { clusters, tasks } = savedClustersSchema.parse(saved);
    for (const cluster of clusters) {
      this.#clusters.set(cluster.clusterId, { ...cluster, state: cluster.state === "running" ? "running" : "failed" });
    }
    for (const task of tasks) this.#tasks.set(task.taskId, { ...task, state: task.state === "running" ? "fail" : task.state });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
    await this.#driver[Symbol.asyncDispose]?.();
    await this.#credentials[Symbol.asyncDispose]();
  }

  #checkServiceRole({ body }: CloudCall): CloudAnswer {
    const { roles } = parsed(rolesSchema, body);
    return {
      body: {
        roles: roles.map(({ name }) => {
          if (name !== ackRole.name) return { name, granted: false, message: "This role is not emulated." };
          const granted = isRoleGranted(this.#cloud);
          return { name, granted, message: granted ? "" : "The service role is not authorized." };
        }),
      },
    };
  }

  async #createCluster(call: CloudCall): Promise<CloudAnswer> {
    const { accountId, region, clock } = this.#cloud;
    call.authorize("cs:CreateCluster", `acs:cs:${region}:${accountId}:cluster/*`);
    const wanted = parsed(createSchema, call.body);
    if (wanted.region_id !== undefined && wanted.region_id !== region) throw invalid(`This cloud emulates the region ${region} alone.`);
    if (wanted.cluster_type !== "ManagedKubernetes") throw invalid("Only clusters of the type ManagedKubernetes are emulated.");
    let key: CloudKey | undefined;
    if (wanted.encryption_provider_key !== undefined) {
      // Secrets are encrypted in Pro clusters alone (spec alibaba-cloud 6).
      if (!wanted.cluster_spec.startsWith("ack.pro.")) throw invalid("Secrets are encrypted in ACK Pro clusters alone: ack.pro.small.");
      requireRole(this.#cloud, "create");
      key = requireKey(this.#cloud, call, wanted.encryption_provider_key);
    }
    const cluster: Cluster = {
      clusterId: `c${randomBytes(16).toString("hex")}`,
      name: wanted.name,
      clusterType: wanted.cluster_type,
      clusterSpec: wanted.cluster_spec,
      region,
      state: "initial",
      createdMs: clock.wallMs(),
      updatedMs: clock.wallMs(),
      keyId: key?.keyId ?? null,
      isDisabled: false,
      kmsChangedMs: null,
      admins: call.caller.type === "ram-user" ? [call.caller.userId] : [],
    };
    this.#clusters.set(cluster.clusterId, cluster);
    const taskId = this.#begin(cluster, "cluster_create", async () =>
      this.#driver.create(cluster, key && (await this.#useKey(cluster, key))),
    );
    await this.#cloud.changed();
    call.concerns("ACS::CS::Cluster", cluster.clusterId);
    const answer = { cluster_id: cluster.clusterId, request_id: call.requestId, task_id: taskId };
    return { status: 202, body: answer, recorded: answer };
  }

  async #updateKmsEncryption(call: CloudCall): Promise<CloudAnswer> {
    const cluster = this.#clusterOf(call, "cs:UpdateKMSEncryption");
    const { kms_key_id: keyId, disable_encryption: isDisabled } = parsed(kmsSchema, call.body);
    requireAdmin(call, cluster);
    this.#requirePause(cluster);
    if (isDisabled) {
      if (cluster.keyId === null) throw invalid("The encryption of this cluster is not on.");
      this.#begin(cluster, "kms_encryption_disable", async () => {
        await this.#driver.disable(cluster);
        cluster.keyId = null;
        cluster.isDisabled = true;
      });
    } else {
      if (keyId === undefined) throw invalid("kms_key_id is missing.");
      if (!cluster.clusterSpec.startsWith("ack.pro.")) throw invalid("Secrets are encrypted in ACK Pro clusters alone.");
      requireRole(this.#cloud, "update");
      const key = requireKey(this.#cloud, call, keyId);
      this.#begin(cluster, "kms_encryption_enable", async () => {
        await this.#driver.enable(cluster, await this.#useKey(cluster, key));
        cluster.keyId = key.keyId;
        cluster.isDisabled = false;
      });
    }
    await this.#cloud.changed();
    call.concerns("ACS::CS::Cluster", cluster.clusterId);
    return {};
  }

  async #deleteCluster(call: CloudCall): Promise<CloudAnswer> {
    const cluster = this.#clusterOf(call, "cs:DeleteCluster");
    if (cluster.state === "initial" || cluster.state === "updating" || cluster.state === "deleting") throw busy(cluster);
    const taskId = this.#begin(cluster, "cluster_delete", async () => {
      await this.#driver.delete(cluster);
      this.#clusters.delete(cluster.clusterId);
      const uri = this.#uris.get(cluster.clusterId);
      if (uri !== undefined) this.#credentials.withdraw(uri);
      this.#uris.delete(cluster.clusterId);
    });
    await this.#cloud.changed();
    return { status: 202, body: { cluster_id: cluster.clusterId, request_id: call.requestId, task_id: taskId } };
  }

  #describeTask({ parameters, authorize }: CloudCall): CloudAnswer {
    const task = this.#tasks.get(parameters.get("TaskId") ?? "");
    if (task === undefined) throw new CloudError(404, "ErrTaskNotFound", "The specified task is not found.");
    authorize("cs:DescribeTaskInfo", `acs:cs:${this.#cloud.region}:${this.#cloud.accountId}:cluster/${task.clusterId}`);
    return {
      body: {
        task_id: task.taskId,
        cluster_id: task.clusterId,
        task_type: task.type,
        state: task.state,
        created: timeOf(task.createdMs),
        updated: timeOf(task.updatedMs),
        target: { id: task.clusterId, type: "cluster" },
      },
    };
  }

  /** Of the roles that RBAC may bind in a cluster only the question whether somebody may administer it is kept. */
  async #grantPermissions(call: CloudCall): Promise<CloudAnswer> {
    call.authorize("cs:GrantPermissions", `acs:cs:${this.#cloud.region}:${this.#cloud.accountId}:cluster/*`);
    const userId = call.parameters.get("Uid") ?? "";
    for (const { cluster: clusterId, role_name: role, role_type: scope } of parsed(permissionsSchema, call.body)) {
      const concerned = scope === "all-clusters" ? [...this.#clusters.values()] : [this.#find(clusterId)];
      for (const cluster of concerned) {
        requireAdmin(call, cluster);
        cluster.admins = cluster.admins.filter((each) => each !== userId);
        if (adminRoles.has(role) && scope !== "namespace") cluster.admins.push(userId);
      }
    }
    await this.#cloud.changed();
    return {};
  }

  #clusterOf(call: CloudCall, action: string): Cluster {
    const clusterId = call.parameters.get("ClusterId") ?? "";
    call.authorize(action, `acs:cs:${this.#cloud.region}:${this.#cloud.accountId}:cluster/${clusterId}`);
    call.concerns("ACS::CS::Cluster", clusterId);
    return this.#find(clusterId);
  }

  #find(clusterId: string): Cluster {
    const cluster = this.#clusters.get(clusterId);
    if (cluster === undefined) throw new CloudError(404, "ErrorClusterNotFound", "The specified cluster is not found.");
    return cluster;
  }

  /** 409 while another change is under way, and within 5 minutes of the end of the last one; the code is a guess of ours. */
  #requirePause(cluster: Cluster): void {
    if (cluster.state !== "running") throw busy(cluster);
    const { kmsChangedMs } = cluster;
    if (kmsChangedMs === null || this.#cloud.clock.wallMs() - kmsChangedMs >= this.#pauseMs) return;
    throw new CloudError(409, "ErrKMSEncryptionUpdateTooOften", "The encryption of the cluster was changed within the last 5 minutes.");
  }

  /** Protects the key from deletion, which the role's policy lets ACK do, and gives the plugin its credentials (spec alibaba-cloud 2.3). */
  async #useKey(cluster: Cluster, { keyId }: CloudKey): Promise<ClusterKms> {
    const { roles, keys, region, url } = this.#cloud;
    const { servicePrincipal, name: roleName } = ackRole;
    // Tells in the events whose plugin it was; how the real ACK names its sessions was not to be found.
    const sessionName = cluster.clusterId.slice(0, sessionCharacters);
    const assume = () => roles.assumeAsService({ servicePrincipal, roleName, sessionName });
    assume();
    keys.setDeletionProtection(keyId, true, `In use by the ACK cluster ${cluster.clusterId}.`);
    const credentialsUri = this.#uris.get(cluster.clusterId) ?? (await this.#credentials.publish(assume));
    this.#uris.set(cluster.clusterId, credentialsUri);
    return { keyId, region, endpoint: url, credentialsUri };
  }

  /** Carries a change out behind the answer to the call. Returns the id of its task. */
  #begin(cluster: Cluster, type: string, change: () => Promise<void>): string {
    const { clock } = this.#cloud;
    const task: Task = {
      taskId: `T-${randomUUID().replaceAll("-", "").slice(0, 24)}`,
      clusterId: cluster.clusterId,
      type,
      state: "running",
      createdMs: clock.wallMs(),
      updatedMs: clock.wallMs(),
    };
    this.#tasks.set(task.taskId, task);
    if (cluster.state === "running") cluster.state = type === "cluster_delete" ? "deleting" : "updating";
    const run = async () => {
      try {
        await change();
        cluster.state = "running";
        task.state = "success";
      } catch {
        cluster.state = "failed";
        task.state = "fail";
      }
      const nowMs = clock.wallMs();
      Object.assign(cluster, { updatedMs: nowMs, ...(type.startsWith("kms_") ? { kmsChangedMs: nowMs } : {}) });
      task.updatedMs = nowMs;
      await this.#cloud.changed();
    };
    const running = run().finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
    return task.taskId;
  }
}

function detailOf(cluster: Cluster): JsonObject {
  return {
    cluster_id: cluster.clusterId,
    name: cluster.name,
    cluster_type: cluster.clusterType,
    cluster_spec: cluster.clusterSpec,
    profile: "Default",
    region_id: cluster.region,
    state: cluster.state,
    created: timeOf(cluster.createdMs),
    updated: timeOf(cluster.updatedMs),
    current_version: kubernetesVersion,
    init_version: kubernetesVersion,
    meta_data: metaDataOf(cluster),
  };
}

/** The account, and RAM users that RBAC lets administer the cluster: its creator, and whom they let in (spec alibaba-cloud 2.3). */
function requireAdmin({ caller }: CloudCall, cluster: Cluster): void {
  if (caller.type === "root-account") return;
  if (caller.type === "ram-user" && cluster.admins.includes(caller.userId)) return;
  throw new CloudError(403, "ForbiddenUpdateKMSState", "You need the RBAC administrator or O&M engineer role of the cluster.");
}

function busy({ state }: Cluster): CloudError {
  return new CloudError(409, "ErrClusterStatus", `The cluster is ${state}.`);
}

function invalid(message: string): CloudError {
  return new CloudError(400, "InvalidParameter", message);
}

function parsed<Shape extends z.ZodType>(schema: Shape, body: unknown): z.infer<Shape> {
  const { success, data, error } = schema.safeParse(body);
  if (success) return data;
  throw invalid(`The body is not as it has to be: ${error.issues.map(({ path }) => path.join(".")).join(", ")}.`);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
