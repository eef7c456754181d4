import { type Cloud, type CloudCall, CloudError, type CloudKey } from "./service.ts";

/** The role that ACK assumes to use a key, what it trusts, and the policy that the authorisation attaches (spec alibaba-cloud 2.3). */
export const ackRole = {
  name: "AliyunCSManagedSecurityRole",
  servicePrincipal: "cs.aliyuncs.com",
  policy: "AliyunCSManagedSecurityRolePolicy",
} as const;

const authorizeUrl = "https://ram.console.aliyun.com/role/authorize";
const authorizeAdvice = `Authorize the service role ${ackRole.name} first: ${authorizeUrl}`;

export function isRoleGranted(cloud: Cloud): boolean {
  return cloud.roles.isGranted(ackRole.name, ackRole.servicePrincipal, ackRole.policy);
}

/** The two codes are those of creation and of change (spec alibaba-cloud 6); their HTTP status is a guess of ours. */
export function requireRole(cloud: Cloud, occasion: "create" | "update"): void {
  if (isRoleGranted(cloud)) return;
  throw occasion === "create"
    ? new CloudError(403, "MissingAuth.AliyuncsManagedSecurityRole", authorizeAdvice)
    : new CloudError(400, "ErrManagedSecurityRoleNotAttach", authorizeAdvice);
}

/**
 * The key must be one that the caller may see, in the cluster's region, enabled, Aliyun_AES_256 and ENCRYPT/DECRYPT (spec alibaba-cloud 0.1).
 * The codes are those that the KMS itself has for the same faults; that ACK passes them on is a guess of ours.
 */
export function requireKey(cloud: Cloud, call: CloudCall, keyId: string): CloudKey {
  const region = /^acs:kms:([^:]*):/.exec(keyId)?.[1];
  if (region !== undefined && region !== cloud.region) {
    throw new CloudError(400, "InvalidParameter", `The key is in the region ${region}; the cluster is in ${cloud.region}.`);
  }
  const key = cloud.keys.find(keyId);
  // Before the answer tells whether there is such a key.
  call.authorize("kms:DescribeKey", key?.arn ?? `acs:kms:${cloud.region}:${cloud.accountId}:key/${keyId}`);
  if (key === undefined) throw new CloudError(404, "Forbidden.KeyNotFound", "The specified Key is not found.");
  call.concerns("ACS::KMS::Key", key.keyId);
  if (key.keyState !== "Enabled") {
    throw new CloudError(409, `Rejected.${key.keyState}`, `The request was rejected because the key state is ${key.keyState}.`);
  }
  if (key.keySpec !== "Aliyun_AES_256" || key.keyUsage !== "ENCRYPT/DECRYPT") {
    const is = `${key.keySpec} for ${key.keyUsage}`;
    throw new CloudError(400, "Rejected.UnsupportedOperation", `The key must be Aliyun_AES_256 for ENCRYPT/DECRYPT; it is ${is}.`);
  }
  if (key.creator !== cloud.accountId) {
    throw new CloudError(400, "Rejected.UnsupportedOperation", "The key is managed by a service for itself; use one of your own.");
  }
  return key;
}
