import type { KeyStore } from "./key-store.ts";
import { cryptography } from "./kms-cryptography.ts";
import { management } from "./kms-management.ts";
import type { Cloud, CloudOperation, CloudService } from "./service.ts";

/** KMS 2016-01-20 (spec alibaba-cloud 1). */
export function createKms(cloud: Cloud, keys: KeyStore): CloudService {
  /** Answers only once the state file has what changed: nothing may be encrypted under a key that a restart forgets. */
  const kept = (operation: CloudOperation): CloudOperation => ({
    ...operation,
    async handle(call) {
      try {
        return await operation.handle(call);
      } finally {
        if (keys.takeDirty()) await cloud.changed();
      }
    },
  });
  const operations = { ...cryptography(keys), ...management(keys) };
  return {
    product: "Kms",
    version: "2016-01-20",
    style: "rpc",
    denial: { status: 403, code: "Forbidden.NoPermission", message: "This operation is forbidden by permission system." },
    operations: Object.fromEntries(Object.entries(operations).map(([name, operation]) => [name, kept(operation)])),
  };
}
