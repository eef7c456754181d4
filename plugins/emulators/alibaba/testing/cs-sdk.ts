import cs, {
  CheckServiceRoleRequest,
  CreateClusterRequest,
  GrantPermissionsRequest,
  UpdateKMSEncryptionRequest,
} from "@alicloud/cs20151215";
import { $OpenApiUtil } from "@alicloud/openapi-core";
import { z } from "zod";
import type { Credentials } from "../admin.ts";

/** Node.js and Vitest do not agree on what the default export of such a CommonJS module is. */
const Client: typeof cs.default = "default" in cs ? cs.default : cs;

const refusalSchema = z.object({ code: z.string(), statusCode: z.number() });

/** The vendor's own client of Container Service, in front of the local cloud. */
export class CsSdk {
  readonly #client: InstanceType<typeof Client>;

  constructor(endpoint: string, { accessKeyId, accessKeySecret }: Credentials) {
    this.#client = new Client(
      new $OpenApiUtil.Config({ accessKeyId, accessKeySecret, endpoint, protocol: "http", regionId: "cn-hangzhou" }),
    );
  }

  async isGranted(name: string): Promise<boolean | undefined> {
    const { body } = await this.#client.checkServiceRole(new CheckServiceRoleRequest({ roles: [{ name }] }));
    return body?.roles?.[0]?.granted;
  }

  async create(keyId?: string): Promise<{ readonly clusterId: string; readonly taskId: string }> {
    const request = { name: "test", clusterType: "ManagedKubernetes", clusterSpec: "ack.pro.small", regionId: "cn-hangzhou" };
    const { body } = await this.#client.createCluster(
      new CreateClusterRequest({ ...request, ...(keyId === undefined ? {} : { encryptionProviderKey: keyId }) }),
    );
    return { clusterId: body?.clusterId ?? "", taskId: body?.taskId ?? "" };
  }

  async describe(clusterId: string): Promise<{ readonly state: string | undefined; readonly metaData: string | undefined }> {
    const { body } = await this.#client.describeClusterDetail(clusterId);
    return { state: body?.state, metaData: body?.metaData };
  }

  async taskState(taskId: string): Promise<string | undefined> {
    return (await this.#client.describeTaskInfo(taskId)).body?.state;
  }

  async updateKms(
    clusterId: string,
    change: { readonly kmsKeyId?: string; readonly disableEncryption?: boolean },
  ): Promise<number | undefined> {
    return (await this.#client.updateKMSEncryption(clusterId, new UpdateKMSEncryptionRequest(change))).statusCode;
  }

  async grantAdmin(userId: string, clusterId: string): Promise<void> {
    const body = [{ cluster: clusterId, roleName: "admin", roleType: "cluster" }];
    await this.#client.grantPermissions(userId, new GrantPermissionsRequest({ body }));
  }
}

/** `403 NoPermission` for a call that is refused, `accepted` for one that is not. */
export async function verdictOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "accepted";
  } catch (thrown) {
    const { code, statusCode } = refusalSchema.parse(thrown);
    return `${statusCode} ${code}`;
  }
}
