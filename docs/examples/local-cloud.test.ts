import { expect, it } from "vitest";
import { startAlibabaCloud } from "../../plugins/emulators/alibaba/index.ts";

it("has keys and users of a test's own, and says what was called", async () => {
  await using cloud = await startAlibabaCloud({ eventDelayMs: 0 });
  const { keyId } = cloud.admin.createKey();
  const credentials = cloud.admin.createUser("ann", ["AliyunKMSCryptoUserAccess"]);
  // … a client at cloud.endpoint, then
  cloud.admin.rotateKey(keyId);
  const called = cloud.events;
  expect(called).toEqual([]);
  expect(credentials.accessKeyId).not.toBe("");
  expect(cloud.endpoint).toMatch(/^127\.0\.0\.1:\d+$/);
});
