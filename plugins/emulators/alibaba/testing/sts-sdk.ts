import { $OpenApiUtil } from "@alicloud/openapi-core";
import sts from "@alicloud/sts20150401";
import type { Credentials } from "../admin.ts";

/** Node.js and Vitest do not agree on what the default export of such a CommonJS module is. */
const Client: typeof sts.default = "default" in sts ? sts.default : sts;

/** The vendor's SDK for STS. @param credentials - none for calls that need no signature. */
export function stsSdk(endpoint: string, credentials: Partial<Credentials> = {}): InstanceType<typeof Client> {
  const { accessKeyId, accessKeySecret } = credentials;
  const keys = accessKeyId === undefined || accessKeySecret === undefined ? {} : { accessKeyId, accessKeySecret };
  return new Client(new $OpenApiUtil.Config({ ...keys, endpoint, protocol: "http" }));
}
