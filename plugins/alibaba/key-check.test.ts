import { expect, it } from "vitest";
import { complaintOf } from "./key-check.ts";

const good = {
  KeyId: "key-1",
  Arn: "",
  KeyState: "Enabled",
  KeySpec: "Aliyun_AES_256",
  KeyUsage: "ENCRYPT/DECRYPT",
  Creator: "1234567890",
  PrimaryKeyVersion: "v",
};

it("takes an enabled symmetric key of the account", () => {
  expect(complaintOf(good)).toBeUndefined();
  expect(complaintOf({ ...good, Creator: "" })).toBeUndefined();
});

it.each([
  [{ KeyState: "Disabled" }, "The KMS key is disabled: enable it in the KMS."],
  [{ KeyState: "PendingDeletion" }, "The KMS key waits for its deletion: cancel that in the KMS, or use another key."],
  [{ KeyState: "PendingImport" }, "The KMS key has no material yet: import it in the KMS."],
  [{ KeyState: "Unheard" }, "The KMS key is in a state in which it cannot be used: look at it in the KMS."],
  [{ KeySpec: "RSA_2048" }, "The KMS key is not of the spec Aliyun_AES_256: create one that is."],
  [{ KeyUsage: "SIGN/VERIFY" }, "The KMS key is not for the usage ENCRYPT/DECRYPT: create one that is."],
  [{ Creator: "Oss" }, "The KMS key is managed by a service for its own use: create one of your own."],
])("says what is wrong with %j", (wrong, sentence) => {
  expect(complaintOf({ ...good, ...wrong })).toBe(sentence);
});
