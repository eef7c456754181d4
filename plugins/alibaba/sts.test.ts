import { expect, it } from "vitest";
import { uriCredentials } from "./credentials-uri.ts";
import { requireRole } from "./sts.ts";

const role = { roleArn: "acs:ram::1234567890123456:role/KmsPlugin", sessionName: "node-7" };

it("takes a role as the service does", () => {
  expect(() => requireRole(role)).not.toThrow();
  expect(() => requireRole({ ...role, sessionName: "a.b@c-d_e", externalId: "42" })).not.toThrow();
});

it.each([
  { roleArn: "KmsPlugin" },
  { roleArn: "acs:ram::account:role/KmsPlugin" },
  { roleArn: "acs:ram::1:user/KmsPlugin" },
  { sessionName: "a" },
  { sessionName: "a".repeat(65) },
  { sessionName: "a b" },
  { externalId: "4" },
  { externalId: "4".repeat(1225) },
])("refuses %j", (wrong) => {
  expect(() => requireRole({ ...role, ...wrong })).toThrow(expect.objectContaining({ code: "bad-role" }));
});

it.each(["http://credentials.example/secret", "file:///secret", "secret"])("takes no credentials from %s, and does not quote it", (uri) => {
  expect(() => uriCredentials(uri)).toThrow("ALIBABA_CLOUD_CREDENTIALS_URI is neither an https URL nor one on loopback.");
});
