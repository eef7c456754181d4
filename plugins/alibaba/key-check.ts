import type { KeyMetadata } from "./kms-api.ts";

const keySpec = "Aliyun_AES_256";
const keyUsage = "ENCRYPT/DECRYPT";

/**
 * Why a key cannot serve, and what to do, in one sentence; undefined where it can. What is asked for is what ACK asks for (spec
 * alibaba-cloud 0.1): an enabled symmetric key that belongs to the account and not to a service.
 */
export function complaintOf({ KeyState, KeySpec, KeyUsage, Creator }: KeyMetadata): string | undefined {
  switch (KeyState) {
    case "Enabled":
      break;
    case "Disabled":
      return "The KMS key is disabled: enable it in the KMS.";
    case "PendingDeletion":
      return "The KMS key waits for its deletion: cancel that in the KMS, or use another key.";
    case "PendingImport":
      return "The KMS key has no material yet: import it in the KMS.";
    default:
      return "The KMS key is in a state in which it cannot be used: look at it in the KMS.";
  }
  if (KeySpec !== keySpec) return `The KMS key is not of the spec ${keySpec}: create one that is.`;
  if (KeyUsage !== keyUsage) return `The KMS key is not for the usage ${keyUsage}: create one that is.`;
  // An account is a number; a key that a service created for itself has the service's name there, and serves that service alone.
  if (Creator !== "" && !/^\d+$/.test(Creator)) return "The KMS key is managed by a service for its own use: create one of your own.";
  return undefined;
}
